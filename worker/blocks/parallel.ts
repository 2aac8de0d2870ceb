import type { BlockDefinition } from "./kind.ts";

/** Branches side by side. */
export const parallel: BlockDefinition<"parallel"> = {
  title: (block) => `${block.branches.length} branches`,
  begin: () => ({ type: "lists" }),
};
