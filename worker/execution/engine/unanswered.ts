/**
 * What is said again until it is answered (rule CM1), read off the state: a
 * crash between storing a decision and carrying it out loses nothing. Every one
 * of these may be repeated without harm.
 */
import type { Effect } from "./inputs.ts";
import { groupTarget } from "./scopes.ts";
import { type EngineState, isOut, openSteps, type StepRecord } from "./state.ts";

export function unanswered(state: EngineState): Effect[] {
  if (state.end) return [];
  const effects: Effect[] = [];
  for (const fence of state.openLeases) {
    const lease = state.leases.get(fence);
    if (lease?.status === "requested") effects.push({ type: "lease.request", leaseId: lease.id, fence });
  }
  // Whoever was told to wait is told when that is over, and how it stands, every minute.
  if (state.locks?.status === "requested") effects.push({ type: "locks.acquire", step: "" });
  for (const step of openSteps(state)) effects.push(...unansweredBy(state, step));
  return effects;
}

function* unansweredBy(state: EngineState, step: StepRecord): Generator<Effect> {
  const { path, attempt, fence, stopping, inputs = {}, executionId } = step;
  if (step.wait?.for === "targets") {
    const { poolId, labels } = groupTarget(state, path);
    yield { type: "targets.resolve", step: path, poolId, labels };
  }
  if (step.wait?.for === "locks" && step.locks?.status === "requested")
    yield { type: "locks.acquire", step: path };
  if (!isOut(step)) return;
  if (fence !== undefined) {
    const granted = state.leases.get(fence)?.status === "granted";
    if (stopping) yield { type: "step.cancel", step: path, attempt, fence, reason: stopping.reason };
    else if (granted && step.startedAt === undefined) {
      yield { type: "step.start", step: path, attempt, fence, inputs: step.inputs };
    }
  } else if (executionId !== undefined) {
    if (stopping) yield { type: "child.cancel", step: path, executionId, force: false };
    else if (step.startedAt === undefined) yield { type: "child.start", step: path, executionId, inputs };
  }
}
