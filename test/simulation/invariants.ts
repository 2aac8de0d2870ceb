/** What holds of every state between two decisions, and of every decision by itself. */
import { isStepTerminal } from "#protocol/states.ts";
import { deadlineOf } from "../../worker/execution/engine/deadlines.ts";
import type { Decision, Effect } from "../../worker/execution/engine/inputs.ts";
import { scopeOf } from "../../worker/execution/engine/scopes.ts";
import {
  type EngineState,
  isLeaseOpen,
  isOut,
  openSteps,
  type StepRecord,
} from "../../worker/execution/engine/state.ts";
import { Violation } from "./world.ts";

/** @throws Violation when nobody will ever go on with something, or the books do not add up */
export function checkState(state: EngineState): void {
  const counted = [...state.steps.values()].length;
  if (counted !== state.steps.size) throw new Violation("state", `${state.steps.size} steps are ${counted}`);
  if (state.paused && state.cancel && state.paused.at < state.cancel.at) {
    throw new Violation("pause", "a cancel leaves the execution in its pause");
  }
  if (state.end) return;
  const awaitsLocks = state.locks !== undefined && state.locks.status !== "granted";
  if (state.open.size === 0 && !awaitsLocks) {
    throw new Violation("G5", "nothing is under way in an execution that has not ended");
  }
  for (const step of openSteps(state)) {
    checkWait(state, step);
    const { path, fence } = step;
    if (isStepTerminal(step.state)) throw new Violation("state", `"${path}" is open and ${step.state}`);
    const lease = fence === undefined ? undefined : state.leases.get(fence);
    if (isOut(step) && fence !== undefined && (!isLeaseOpen(lease) || lease.status === "queued")) {
      throw new Violation(
        "LS1",
        `"${path}" is ${step.state} under lease ${fence}, which is ${lease?.status}`,
      );
    }
    if (step.wait?.for !== "agent") continue;
    const { askAt } = step.wait;
    if (askAt !== undefined && (deadlineOf(state)?.at ?? Number.POSITIVE_INFINITY) <= askAt) continue;
    const wanted = state.scopes.get(scopeOf(state, path).scope)?.fence;
    if (wanted === undefined || !isLeaseOpen(state.leases.get(wanted))) {
      throw new Violation("G5", `"${path}" waits for an agent that nobody has asked for`);
    }
  }
}

/** @throws Violation when a step waits for what nobody will give */
function checkWait(state: EngineState, { path, wait, locks, lists }: StepRecord): void {
  if (wait?.for === "resume" && !state.paused) {
    throw new Violation("G5", `"${path}" waits for the end of a pause that is over`);
  }
  if (wait?.for === "locks" && (!locks || locks.status === "granted")) {
    throw new Violation("G5", `"${path}" waits for locks that it has not asked for or has`);
  }
  if (wait?.for === "batch" && !lists) throw new Violation("G5", `"${path}" waits for a batch it has not`);
  const isEmpty = lists && !wait && lists.started === lists.ended;
  if (isEmpty) throw new Violation("G5", `"${path}" goes on with nothing in it under way`);
}

/** @throws Violation when something is recorded as asked for, or given back, that is not */
export function checkDecision({ events, effects }: Decision): void {
  const has = (type: Effect["type"], matches: (effect: Effect) => boolean) =>
    effects.some((effect) => effect.type === type && matches(effect));
  for (const event of events) {
    const { type } = event;
    const step = "step" in event ? event.step : "";
    const fence = "fence" in event ? event.fence : undefined;
    const ofFence = (effect: Effect) => "fence" in effect && effect.fence === fence;
    const ofStep = (effect: Effect) => "step" in effect && effect.step === step;
    const isDone =
      (type !== "lease.requested" || has("lease.request", ofFence)) &&
      (type !== "lease.released" || has("lease.release", ofFence)) &&
      (type !== "locks.requested" || has("locks.acquire", ofStep)) &&
      (type !== "locks.released" || has("locks.release", ofStep)) &&
      (type !== "execution.finished" || has("project", () => true));
    if (!isDone) throw new Violation("effects", `${type} of "${step || fence}" without the effect`);
  }
}
