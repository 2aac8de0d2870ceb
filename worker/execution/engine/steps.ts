/** The ends of steps. */

import type { ExecutionEvent } from "#protocol/events.ts";
import type { TerminalStepState } from "#protocol/states.ts";
import { isStepTerminal } from "#protocol/states.ts";
import type { Draft } from "./draft.ts";
import type { StepRecord } from "./state.ts";

type Finished = Extract<ExecutionEvent, { type: "step.finished" }>;

/** Ends a step; what comes after it is a task of the same decision. */
export function finish(
  draft: Draft,
  path: string,
  end: Omit<Finished, "type" | "step" | "attempt" | "state"> & { state: TerminalStepState },
): void {
  const step = draft.step(path);
  if (!step || isStepTerminal(step.state)) return;
  draft.emit({ type: "step.finished", step: path, attempt: Math.max(step.attempt, 1), ...end });
  draft.tasks.push({ do: "ended", step: path });
}

export function fail(draft: Draft, path: string, detail: string): void {
  finish(draft, path, { state: "failed", detail });
}

export function skip(draft: Draft, path: string, reason: string): void {
  const step = draft.step(path);
  if (!step || isStepTerminal(step.state)) return;
  draft.emit({ type: "step.skipped", step: path, reason });
  draft.tasks.push({ do: "ended", step: path });
}

/** Gives back what the step holds or waits for. */
export function releaseLocks(draft: Draft, step: StepRecord): void {
  if (!step.locks) return;
  draft.emit({ type: "locks.released", step: step.path });
  draft.ask({ type: "locks.release", step: step.path });
}
