import { mayHaveInstances } from "#protocol/paths.ts";
import type { BlockDefinition } from "./kind.ts";
import { placed } from "./values.ts";

/** A shell script, run by an agent. */
export const command: BlockDefinition<"command"> = {
  title: (block) => block.id,
  begin: (block, scene) => {
    if (scene.isGroup && mayHaveInstances(block)) return { type: "agents" };
    const values = { ...placed("env", block.env), ...(block.stdin !== undefined && { stdin: block.stdin }) };
    return { type: "agent", values };
  },
};
