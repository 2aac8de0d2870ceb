import { ITEMS_MAX } from "#protocol/limits.ts";
import type { BlockDefinition } from "./kind.ts";

/** The same blocks for each item of a list, or on each agent. */
export const foreach: BlockDefinition<"foreach"> = {
  title: (block) => block.id,
  begin: (block, scene) => {
    if (block.items === undefined) return { type: "agents" };
    const items = scene.evaluate(block.items);
    if (!Array.isArray(items)) {
      return { type: "fail", detail: `"${block.items.slice(0, 80)}" gives no list` };
    }
    if (items.length > ITEMS_MAX) {
      return {
        type: "fail",
        detail: `the list has ${items.length} items; at most ${ITEMS_MAX} are possible`,
      };
    }
    return { type: "items", items };
  },
};
