import type { Execution } from "#protocol/api/executions.ts";
import { walkBlocks } from "#protocol/blocks/index.ts";
import type { Plan } from "#protocol/plan.ts";
import { firstWords } from "../runbooks/plainText.ts";

/** What prose is called in the list of steps: its first words, without their Markdown. */
export function proseTitles(plan: Plan): ReadonlyMap<string, string> {
  const titles = new Map<string, string>();
  for (const { block } of walkBlocks([...plan.blocks, ...(plan.finally ?? [])])) {
    if (block.kind === "instruction") titles.set(block.id, firstWords(block.markdown) || block.id);
  }
  return titles;
}

export function withTitles(execution: Execution, titles: ReadonlyMap<string, string>): Execution {
  if (titles.size === 0) return execution;
  const steps = execution.steps.map((step) => ({ ...step, title: titles.get(step.id) ?? step.title }));
  return { ...execution, steps };
}
