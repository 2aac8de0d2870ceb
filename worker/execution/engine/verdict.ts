/** What an attempt's outcome means for its step, and whether there is another attempt. */
import { outputNameSchema, type Retry } from "#protocol/blocks/common.ts";
import type { AttemptOutcome, StepValues } from "#protocol/data.ts";
import type { TerminalStepState } from "#protocol/states.ts";
import type { StepRecord } from "./state.ts";

export interface Verdict {
  state: TerminalStepState;
  detail?: string;
}

const RETRY_DEFAULTS = {
  delayMs: 1_000,
  factor: 2,
  maxDelayMs: 300_000,
  on: ["failed", "timed_out"],
} as const;

/** @param values what the attempt handed on: a success lacks none of the outputs that its block names */
export function verdictOf(
  outcome: AttemptOutcome,
  step: StepRecord,
  values: StepValues | undefined,
): Verdict {
  const verdict = endOf(outcome, step);
  const lacking = verdict.state === "succeeded" ? outputsWithout(step.block, values) : [];
  if (lacking.length === 0) return verdict;
  return { state: "failed", detail: `it did not hand on ${lacking.map((name) => `"${name}"`).join(", ")}` };
}

function outputsWithout(block: StepRecord["block"], values: StepValues = {}): string[] {
  if (block.kind !== "command" && block.kind !== "api") return [];
  const named = block.kind === "command" ? (block.outputs ?? []) : Object.keys(block.outputs ?? {});
  return named.filter((name) => !Object.hasOwn(values, name));
}

/** What an attempt handed on, without what its block does not name, or nothing could name. */
export function declaredValues(
  block: StepRecord["block"],
  values: StepValues | undefined,
): StepValues | undefined {
  if (!values) return undefined;
  const named = "outputs" in block && block.outputs ? namesOf(block.outputs) : undefined;
  const isNamed = (name: string) => (named ? named.includes(name) : outputNameSchema.safeParse(name).success);
  return Object.fromEntries(Object.entries(values).filter(([name]) => isNamed(name)));
}

function namesOf(outputs: readonly string[] | Readonly<Record<string, string>>): readonly string[] {
  return Array.isArray(outputs) ? outputs : Object.keys(outputs);
}

function endOf(outcome: AttemptOutcome, { block }: StepRecord): Verdict {
  switch (outcome.type) {
    case "exited": {
      const expected = (block.kind === "command" && block.exitCodes) || [0];
      if (expected.includes(outcome.exitCode)) return { state: "succeeded" };
      return { state: "failed", detail: `exit code ${outcome.exitCode}` };
    }
    case "answered":
      return outcome.expected
        ? { state: "succeeded" }
        : { state: "failed", detail: outcome.detail ?? `status ${outcome.status}` };
    case "unanswered": {
      if (!outcome.sent || isSafeTwice(block)) return { state: "failed", detail: outcome.detail };
      return { state: "unknown", detail: `${outcome.detail}; whether it took effect is not known` };
    }
    case "signaled":
      return { state: "failed", detail: `killed by ${outcome.signal}` };
    case "stopped":
      return stopped(outcome, block);
    case "refused": {
      const who = block.kind === "api" && block.from === "edge" ? "the control plane" : "the agent";
      return { state: "failed", detail: `${who} refused it (${outcome.code}): ${outcome.detail}` };
    }
    case "unknown":
      return { state: "unknown", detail: outcome.detail };
    default:
      return outcome satisfies never;
  }
}

/** True when its block says that twice does no harm. */
function isSafeTwice(block: StepRecord["block"]): boolean {
  return "idempotent" in block && block.idempotent === true;
}

function stopped(
  { reason, confirmed, detail }: Extract<AttemptOutcome, { type: "stopped" }>,
  { kind }: StepRecord["block"],
): Verdict {
  const unknown =
    kind === "api"
      ? "whether the request took effect is not known"
      : "not confirmed: some of its processes may still run";
  const told = [detail, ...(confirmed ? [] : [unknown])].filter(Boolean).join("; ");
  switch (reason) {
    case "disconnected":
      return {
        state: "failed",
        detail: "its agent lost the connection and stopped it, as the block demands",
      };
    case "agent_stopped":
      return { state: "failed", detail: "its agent was shut down and stopped it" };
    case "over_limit":
      return { state: "failed", detail: told || "it took more of its host than it may" };
    case "canceled":
    case "timed_out":
      return { state: reason, detail: told || undefined };
    default:
      return reason satisfies never;
  }
}

/**
 * When the next attempt is due, ms since the epoch; undefined when there is
 * none. A step whose fate is unknown is only tried again when its block says
 * that twice does no harm (ST2).
 */
export function retryAt(
  step: StepRecord,
  state: TerminalStepState,
  outcome: AttemptOutcome | undefined,
  moment: { now: number; random(): number },
): number | undefined {
  const { block } = step;
  const retry = "retry" in block ? block.retry : undefined;
  if (!retry || step.attempt >= retry.maxAttempts) return undefined;
  if (outcome?.type === "refused" || step.stopping?.reason === "canceled") return undefined;
  if (state !== "failed" && state !== "timed_out" && state !== "unknown") return undefined;
  const isSafe = isSafeTwice(block);
  const on: readonly string[] = retry.on ?? RETRY_DEFAULTS.on;
  if (!on.includes(state) || (state === "unknown" && !isSafe)) return undefined;
  // A step that could not be confirmed gone may still run beside its next attempt.
  if (outcome?.type === "stopped" && !outcome.confirmed && !isSafe) return undefined;
  return moment.now + pauseMs(retry, step.attempt, moment.random());
}

/** Exponential, with up to a fifth taken off, so that many do not come back at once. */
function pauseMs(retry: Retry, attempt: number, random: number): number {
  const { delayMs, factor, maxDelayMs } = { ...RETRY_DEFAULTS, ...retry };
  const full = Math.min(maxDelayMs, delayMs * factor ** (attempt - 1));
  return Math.round(full * (1 - random * 0.2));
}
