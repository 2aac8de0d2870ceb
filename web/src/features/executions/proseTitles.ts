import type { Execution } from "#protocol/api/executions.ts";
import { type Block, walkBlocks } from "#protocol/blocks/index.ts";
import type { Plan } from "#protocol/plan.ts";
import { firstWords } from "../runbooks/plainText.ts";

/** What a block is called: prose without a title by its first words, without their Markdown. */
export function titleOf(block: Block): string {
  if (block.title !== undefined) return block.title;
  return (block.kind === "instruction" && firstWords(block.markdown)) || block.id;
}

/** What prose is called in the list of steps, by the name of its block. */
export function proseTitles(plan: Plan): ReadonlyMap<string, string> {
  const titles = new Map<string, string>();
  for (const { block } of walkBlocks([...plan.blocks, ...(plan.finally ?? [])])) {
    if (block.kind === "instruction") titles.set(block.id, titleOf(block));
  }
  return titles;
}

export function withTitles(execution: Execution, titles: ReadonlyMap<string, string>): Execution {
  if (titles.size === 0) return execution;
  const steps = execution.steps.map((step) => {
    const title = titles.get(step.id.split("~")[0] ?? "");
    return title === undefined ? step : { ...step, title };
  });
  return { ...execution, steps };
}
