/** What an agent knows of leases and attempts, and what attempts do by themselves. */
import type { AttemptOutcome, StepValues } from "#protocol/data.ts";
import type { Run } from "./oracle.ts";
import { randomFor } from "./random.ts";
import type { Socket } from "./world.ts";

export interface StepName {
  readonly step: string;
  readonly attempt: number;
}

export interface LeaseName {
  readonly id: string;
  readonly fence: number;
}

export interface Process {
  readonly run: Run;
  stopping?: "canceled" | "timed_out" | "disconnected";
}

export interface Attempt extends StepName {
  /** In the journal, before anything is spawned (ST1). */
  started: boolean;
  outcome?: AttemptOutcome;
  values?: StepValues;
  process?: Process;
}

export interface HeldLease extends LeaseName {
  readonly attempts: Map<string, Attempt>;
  readonly recorded: Set<string>;
  stale: boolean;
  ending: boolean;
  /** Since when it is without its coordinator. */
  apartSince: number;
  socket?: Socket;
  live: boolean;
  untouched: boolean;
}

export function keyOf({ step, attempt }: StepName): string {
  return `${step}#${attempt}`;
}

export function stopped(reason: NonNullable<Process["stopping"]>, confirmed = true): AttemptOutcome {
  return { type: "stopped", reason, confirmed };
}

export function wordsOf(outcome: AttemptOutcome): string {
  return outcome.type === "exited" ? `exits with ${outcome.exitCode}` : `is ${outcome.type}`;
}

/** What an attempt does depends on itself only, not on when it happens. */
export function behaviourOf(seed: number, { step, attempt }: StepName, timeoutMs: number) {
  const random = randomFor(seed, step, attempt);
  const durationMs = random.chance(0.85)
    ? random.int(Math.min(timeoutMs, 20_000))
    : timeoutMs * (1 + random.int(3));
  const outcome: AttemptOutcome = random.chance(0.98)
    ? { type: "exited", exitCode: random.chance(0.9) ? 0 : 1 }
    : { type: "signaled", signal: "SIGKILL" };
  const values: StepValues | undefined = random.chance(0.4) ? { n: random.int(10) } : undefined;
  return { durationMs, outcome, values };
}
