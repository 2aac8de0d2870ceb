/** The limits that a policy sets, and what they mean for a block. Pure. */
import { OUTPUT_DEFAULT_BYTES, STEP_TIMEOUT_DEFAULT_MS } from "#protocol/limits.ts";
import { printDuration } from "#protocol/runbook/units.ts";
import type { WorkdirPolicy } from "../job/folders.ts";
import type { AgentBlock } from "../job/values.ts";
import type { Policy } from "./policy.ts";

/** Undefined where the policy leaves it to others. */
export interface PolicyLimits {
  timeoutMs: number | undefined;
  memoryBytes: number | undefined;
  processes: number | undefined;
  /** Processors. */
  cpu: number | undefined;
  outputBytes: number | undefined;
  slots: number | undefined;
  spoolBytes: number | undefined;
}

/** What becomes of the folder of an execution that is over. */
export function workdirsOf({ rules: { workdirs } }: Policy): WorkdirPolicy {
  const { keep, for: forMs, size: maxBytes } = workdirs;
  return keep === "never" ? { keep } : { keep, forMs, maxBytes };
}

export function limitsOf({ rules: { limits } }: Policy): PolicyLimits {
  const { timeout, memory, processes, cpu, output, slots, spool } = limits;
  return {
    ...{ timeoutMs: timeout, memoryBytes: memory, processes, cpu, outputBytes: output },
    ...{ slots, spoolBytes: spool },
  };
}

/** Why a block may not run for as long as it asks to; undefined when it may. Cut short, it would end half-way. */
export function timeoutProblem(policy: Policy, { timeoutMs = 0 }: AgentBlock): string | undefined {
  const { timeout } = policy.rules.limits;
  if (timeout === undefined || timeoutMs <= timeout) return undefined;
  return `${policy.at("limits", "timeout")}: ${printDuration(timeoutMs)} is more than ${printDuration(timeout)}`;
}

/** The block as it runs here: a time that it leaves open comes from the policy, and of its output no more is kept than that allows. */
export function withinLimits<T extends AgentBlock>(policy: Policy, block: T): T {
  const { timeoutMs, outputBytes } = limitsOf(policy);
  return {
    ...block,
    ...(timeoutMs !== undefined && {
      timeoutMs: block.timeoutMs ?? Math.min(timeoutMs, STEP_TIMEOUT_DEFAULT_MS),
    }),
    ...(outputBytes !== undefined && {
      outputLimitBytes: Math.min(block.outputLimitBytes ?? OUTPUT_DEFAULT_BYTES, outputBytes),
    }),
  };
}
