import { STEP_TIMEOUT_DEFAULT_MS } from "#protocol/limits.ts";
import type { BlockDefinition } from "./kind.ts";

/** A shell script, run by an agent. */
export const command: BlockDefinition<"command"> = {
  title: (block) => block.title ?? block.id,
  begin: (block) => ({
    type: "dispatch",
    timeoutMs: block.timeoutMs ?? STEP_TIMEOUT_DEFAULT_MS,
    onDisconnect: block.onDisconnect ?? "continue",
  }),
};
