import { PERSON_WAIT_DEFAULT_MS } from "#protocol/limits.ts";
import type { BlockDefinition } from "./kind.ts";

const TITLE_MAX = 80;

/** Text for a person: shown in its place, and waited for when it is to be acknowledged. */
export const instruction: BlockDefinition<"instruction"> = {
  title: (block) => {
    const line = block.markdown.trimStart().split("\n", 1)[0] ?? "";
    const text = line.replace(/^#+\s*/, "").trim();
    return text.length > TITLE_MAX ? `${text.slice(0, TITLE_MAX - 1)}…` : text || block.id;
  },
  begin: (block, { now }) => {
    if (!block.acknowledge) return { type: "complete" };
    return {
      type: "wait",
      wait: { for: "acknowledgement", until: now + (block.expiresMs ?? PERSON_WAIT_DEFAULT_MS) },
    };
  },
};
