import { mayHaveInstances } from "#protocol/paths.ts";
import type { BlockDefinition } from "./kind.ts";
import { inputsOf, placed } from "./values.ts";

/** An HTTP request, made by an agent or by the control plane. */
export const api: BlockDefinition<"api"> = {
  title: (block) => `${block.method} ${typeof block.url === "string" ? block.url : block.id}`.slice(0, 80),
  begin: (block, scene) => {
    if (scene.isGroup && mayHaveInstances(block)) return { type: "agents" };
    const values = {
      url: block.url,
      ...placed("query", block.query),
      ...placed("headers", block.headers),
      ...(block.body !== undefined && { body: block.body }),
    };
    return block.from === "edge"
      ? { type: "edge", inputs: inputsOf(values, scene) ?? {} }
      : { type: "agent", values };
  },
};
