/** The last parts of an execution: undoing what succeeded, the `finally` list, and the end. */
import { ROOT } from "#protocol/paths.ts";
import { isStepTerminal } from "#protocol/states.ts";
import { release } from "./agents.ts";
import { startList } from "./begin.ts";
import type { Draft } from "./draft.ts";
import type { Ending, StepRecord } from "./state.ts";
import { finish, releaseLocks, skip } from "./steps.ts";

/** The list of the execution that runs now is done: what comes next? */
export function listOfExecutionEnded(draft: Draft): void {
  const { state } = draft;
  if (state.end || isStillRunning(draft)) return;
  // What this decision has still to do may begin another step.
  if (draft.tasks.some((task) => task.step !== ROOT)) {
    draft.tasks.push({ do: "continue", step: ROOT });
    return;
  }
  if (state.phase?.name === "finally") return end(draft, endingAfterFinally(draft, state.phase.ending));
  if (state.phase) return;
  const ending = endingOf(draft);
  const undo = ending.state === "failed" || ending.state === "timed_out" ? state.undoable.toReversed() : [];
  if (undo.length === 0) return startFinally(draft, ending);
  draft.emit({ type: "phase.started", phase: "compensating", steps: undo, ending });
  nextCompensation(draft);
}

/** A list counts as done when its last step has ended, but steps elsewhere in the tree end in their own time. */
function isStillRunning({ state }: Draft): boolean {
  return state.open.size > 0;
}

function endingOf({ state }: Draft): Ending {
  if (state.cancel) return { state: "canceled", detail: state.cancel.reason || undefined };
  if (state.stopping) return { state: "timed_out", detail: "it ran out of time" };
  const { failure } = state;
  if (!failure) return { state: "succeeded" };
  const detail = `step "${failure.step}": ${failure.detail ?? failure.state}`;
  return { state: failure.state === "timed_out" ? "timed_out" : "failed", detail };
}

/** One compensation has ended; a failed one is told and does not keep the others from running. */
export function compensationEnded(draft: Draft): void {
  nextCompensation(draft);
}

function nextCompensation(draft: Draft): void {
  const { phase } = draft.state;
  if (phase?.name !== "compensating") return;
  const steps = phase.steps.map((path) => draft.step(path)).filter((step) => step !== undefined);
  const next = steps.find((step) => !isStepTerminal(step.state));
  if (next) {
    draft.tasks.push({ do: "begin", step: next.path });
    return;
  }
  const failed = steps
    .filter((step) => step.state !== "succeeded")
    .map((step) => `"${step.path}" ${step.state}`);
  const told =
    failed.length > 0 ? `could not be undone: ${failed.join(", ")}` : `undone: ${steps.length} steps`;
  const detail = [phase.ending.detail, told].filter(Boolean).join("; ").slice(0, 2_000);
  startFinally(draft, { ...phase.ending, detail });
}

function startFinally(draft: Draft, ending: Ending): void {
  // What ends while it waits for its turn has nothing to clean up, and no lock to do it under.
  const nothingBegan = draft.state.lists.started === 0;
  if (nothingBegan || !draft.state.plan.finally?.length) return end(draft, ending);
  draft.emit({ type: "phase.started", phase: "finally", steps: [], ending });
  startList(draft, "", 1);
}

function endingAfterFinally({ state }: Draft, ending: Ending): Ending {
  if (ending.state !== "succeeded") return ending;
  for (const { id } of state.plan.finally ?? []) {
    const step = state.steps.get(id);
    const bad = step && !["succeeded", "skipped"].includes(step.state) && step.block.onFailure !== "continue";
    if (bad) return { state: "failed", detail: `step "${id}": ${step.detail ?? step.state}` };
  }
  return ending;
}

/** Ends the execution: whatever has not begun is skipped, agents and locks are let go. */
export function end(draft: Draft, ending: Ending): void {
  if (draft.state.end) return;
  endSteps(draft, ending.state === "canceled" ? "the execution was canceled" : "the execution has ended");
  draft.tasks.length = 0;
  const confirmed = [...draft.state.steps.values()].every(isConfirmed);
  for (const fence of [...draft.state.openLeases]) {
    const lease = draft.state.leases.get(fence);
    const abandoned = [...draft.state.steps.values()].some(
      (step) => step.fence === fence && !isConfirmed(step),
    );
    if (lease) release(draft, lease, abandoned ? "abandoned" : "finished");
  }
  if (draft.state.locks) {
    draft.emit({ type: "locks.released", step: "" });
    draft.ask({ type: "locks.release", step: "" });
  }
  draft.emit({ type: "execution.finished", state: ending.state, confirmed, detail: ending.detail });
  draft.ask({ type: "project" });
}

/** From the inside out: what has begun is canceled, what has not is skipped, and no lock is kept. */
function endSteps(draft: Draft, reason: string): void {
  for (const { path, state, begunAt } of [...draft.state.steps.values()].reverse()) {
    if (isStepTerminal(state)) continue;
    if (begunAt === undefined) skip(draft, path, reason);
    else finish(draft, path, { state: "canceled", detail: reason });
  }
  for (const step of [...draft.state.steps.values()]) releaseLocks(draft, step);
}

/** False for a step of which nobody can say that its processes are gone. */
function isConfirmed(step: StepRecord): boolean {
  if (step.lists) return true;
  if (step.doubtful) return false;
  if (step.dispatchedAt === undefined) return true;
  if (step.outcome?.type === "stopped") return step.outcome.confirmed;
  if (step.outcome) return step.outcome.type !== "unknown";
  return step.state === "succeeded" || step.state === "skipped" || step.state === "failed";
}
