import { PERSON_WAIT_DEFAULT_MS } from "#protocol/limits.ts";
import type { BlockDefinition } from "./kind.ts";

/** Waits until enough people have agreed. */
export const approval: BlockDefinition<"approval"> = {
  title: (block) =>
    block.required && block.required > 1 ? `Approval by ${block.required} people` : "Approval",
  begin: (block, { now }) => ({
    type: "wait",
    wait: { for: "approval", until: now + (block.expiresMs ?? PERSON_WAIT_DEFAULT_MS) },
  }),
};
