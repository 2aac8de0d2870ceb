/** What has done what it should once does not run again: a signature lets a step be tried until then. Pure. */
import type { AttemptEnd } from "../job/attempt.ts";
import type { AgentBlock } from "../job/values.ts";
import type { PlanMemory } from "./guard.ts";
import type { Refusal } from "./refusal.ts";

/** Whether an attempt has done what its block says. */
export function hasSucceeded(
  block: AgentBlock,
  { outcome, values = {} }: Pick<AttemptEnd, "outcome" | "values">,
): boolean {
  if (block.kind === "api") return outcome.type === "answered" && outcome.expected;
  const isExpected = outcome.type === "exited" && (block.exitCodes ?? [0]).includes(outcome.exitCode);
  return isExpected && (block.outputs ?? []).every((name) => Object.hasOwn(values, name));
}

/** @param memory what this agent remembers of the plan */
export function succeededProblem(memory: PlanMemory | undefined, step: string): Refusal | undefined {
  if (!memory?.succeeded.has(step)) return undefined;
  return { ok: false, code: "replayed", detail: `"${step}" has succeeded here already` };
}
