/** Stopping: one step with everything in it, or the whole execution. */
import { ancestorsOf, ROOT } from "#protocol/paths.ts";
import type { Draft } from "./draft.ts";
import { isOut, openSteps, type StepRecord } from "./state.ts";
import { finish } from "./steps.ts";

type Reason = "canceled" | "timed_out";

/**
 * Asks whatever is out under a path to stop, and ends what only waits. Steps
 * with others inside them end when those have.
 */
export function stopAll(draft: Draft, path: string, reason: Reason): void {
  for (const step of [...openSteps(draft.state)]) {
    if (path === ROOT || step.path === path || isInside(draft, step.path, path))
      stopStep(draft, step, reason);
  }
}

function isInside({ state }: Draft, path: string, around: string): boolean {
  for (const each of ancestorsOf(state.plan, path)) if (each === around) return true;
  // The instances of a step on many agents stand inside the step that stands for all of them.
  return path.startsWith(`${around}~`);
}

function stopStep(draft: Draft, step: StepRecord, reason: Reason): void {
  if (step.stopping) return;
  if (step.lists) {
    draft.emit({ type: "step.stopping", step: step.path, reason });
    draft.tasks.push({ do: "continue", step: step.path });
    return;
  }
  if (!isOut(step)) return finish(draft, step.path, { state: reason, detail: "it was not under way yet" });
  if (step.fence !== undefined) {
    draft.emit({ type: "step.stopping", step: step.path, reason });
    return askToStop(draft, step, reason);
  }
  if (step.executionId !== undefined) {
    draft.emit({ type: "step.stopping", step: step.path, reason });
    return draft.ask({ type: "child.cancel", step: step.path, executionId: step.executionId, force: false });
  }
  draft.ask({ type: "edge.cancel", step: step.path, attempt: step.attempt });
  finish(draft, step.path, {
    state: reason,
    detail: "its request was given up; whether it took effect is not known",
  });
}

/** Tells the agent, or tells it again. */
export function askToStop(draft: Draft, step: StepRecord, reason: Reason): void {
  const { path, attempt, fence } = step;
  if (fence !== undefined) draft.ask({ type: "step.cancel", step: path, attempt, fence, reason });
}

/** Waits for nothing any more: every step ends now, as far as is known. */
export function abandonAll(draft: Draft, why: string): void {
  for (const step of [...openSteps(draft.state)]) {
    if (step.lists) continue;
    if (step.fence !== undefined && isOut(step)) askToStop(draft, step, "canceled");
    if (step.executionId !== undefined) {
      draft.ask({ type: "child.cancel", step: step.path, executionId: step.executionId, force: true });
    } else if (step.fence === undefined && isOut(step)) {
      draft.ask({ type: "edge.cancel", step: step.path, attempt: step.attempt });
    }
    finish(draft, step.path, {
      state: "canceled",
      detail: `${why}; whether it ended is not known`,
    });
  }
}
