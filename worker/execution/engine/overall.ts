import type { ExecutionState } from "#protocol/states.ts";
import { type EngineState, isOut, openSteps } from "./state.ts";

/** What an execution that has not ended does as a whole, from what its steps do. */
export function overallState(state: EngineState): ExecutionState {
  const begins = state.locks === undefined || state.locks.status === "granted";
  const forSlotOnly = !begins && state.locks?.locks.length === 0;
  // A place in the organization is queued for like an agent.
  let needsAgent = forSlotOnly;
  let waits = !begins && !forSlotOnly;
  for (const step of openSteps(state)) {
    if (step.lists && step.state === "running") continue;
    if (step.wait?.for === "agent") needsAgent = true;
    else if (!isOut(step)) waits = true;
    else if (step.fence === undefined || state.leases.get(step.fence)?.status === "granted")
      return running(state);
    else needsAgent = true;
  }
  if (state.paused) return "paused";
  // What has run once is never queued again: it waits.
  if (needsAgent && !waits && state.state === "queued") return "queued";
  return needsAgent || waits ? "waiting" : running(state);
}

/** Paused at once for whoever asked; what is under way goes on to its end. */
function running({ paused }: EngineState): ExecutionState {
  return paused ? "paused" : "running";
}
