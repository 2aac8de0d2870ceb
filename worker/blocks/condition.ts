import type { BlockDefinition } from "./kind.ts";

/** One of two lists of blocks, by an expression. */
export const condition: BlockDefinition<"condition"> = {
  title: (block) => block.if.slice(0, 80),
  begin: (block, scene) => {
    const result = scene.evaluate(block.if);
    if (typeof result !== "boolean") {
      return {
        type: "fail",
        detail: `"${block.if.slice(0, 80)}" gives ${kindOf(result)}; a condition is true or false`,
      };
    }
    return { type: "list", list: result ? 0 : 1 };
  },
};

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
