import type { BlockDefinition } from "./kind.ts";

const TITLE_MAX = 80;

/** Prose between the commands: shown in its place, done when reached. */
export const instruction: BlockDefinition<"instruction"> = {
  title: (block) => {
    const line = block.markdown.trimStart().split("\n", 1)[0] ?? "";
    const text = line.replace(/^#+\s*/, "").trim();
    return text.length > TITLE_MAX ? `${text.slice(0, TITLE_MAX - 1)}…` : text || block.id;
  },
  begin: () => ({ type: "complete" }),
};
