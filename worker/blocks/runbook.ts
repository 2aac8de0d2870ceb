import type { BlockDefinition } from "./kind.ts";
import { inputsOf, placed } from "./values.ts";

/** Another runbook, as an execution of its own. */
export const runbook: BlockDefinition<"runbook"> = {
  title: (block) => block.runbook,
  begin: (block, scene) => {
    const expressions = Object.entries(block.parameters ?? {}).filter(
      (entry): entry is [string, { expr: string }] => typeof entry[1] === "object",
    );
    return {
      type: "child",
      inputs: inputsOf(placed("parameters", Object.fromEntries(expressions)), scene) ?? {},
    };
  },
};
