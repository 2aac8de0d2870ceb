/**
 * Every wait of an execution and when it is over, read off the state: no
 * deadline is stored, so none can be forgotten or left behind.
 */
import { CANCEL_GRACE_MS, HEARTBEAT_TIMEOUT_MS, LEASE_DISCONNECT_MS } from "#protocol/limits.ts";
import { beginBlock } from "../../blocks/index.ts";
import { activeStep, currentLease, type EngineState, type StepRecord } from "./state.ts";

/** How long an execution waits for an agent before it gives up. */
export const QUEUE_TIMEOUT_MS = 60 * 60 * 1000;

/** What a stop or a silent agent gets on top of the grace, for the way there and back. */
export const CONFIRM_MARGIN_MS = 15_000;

export type Deadline =
  /** No agent became free. */
  | { type: "queue"; at: number }
  /** The agent took the step and said nothing since. */
  | { type: "contact"; at: number; step: StepRecord }
  /** The step has run for as long as it may. */
  | { type: "timeout"; at: number; step: StepRecord }
  /** The stop of the step was not confirmed. */
  | { type: "confirm"; at: number; step: StepRecord }
  /** The agent stayed away for so long that the step's fate cannot be known in time. */
  | { type: "lost"; at: number; step: StepRecord };

/** The deadline that ends the present wait; none once the execution has ended. */
export function deadlineOf(state: EngineState): Deadline | undefined {
  if (state.end) return undefined;
  const step = activeStep(state);
  if (step?.stopping) return stepDeadline(step);
  const lease = currentLease(state);
  if (lease?.status === "requested" || lease?.status === "queued") {
    return { type: "queue", at: lease.requestedAt + QUEUE_TIMEOUT_MS };
  }
  return step && stepDeadline(step);
}

function stepDeadline(step: StepRecord): Deadline | undefined {
  if (step.stopping) {
    return { type: "confirm", at: step.stopping.at + CANCEL_GRACE_MS + CONFIRM_MARGIN_MS, step };
  }
  const beginning = beginBlock(step.block);
  if (beginning.type !== "dispatch" || step.dispatchedAt === undefined) return undefined;
  const begun = step.startedAt ?? step.dispatchedAt;
  switch (step.state) {
    case "dispatched":
      return { type: "contact", at: step.dispatchedAt + HEARTBEAT_TIMEOUT_MS, step };
    case "running":
      return { type: "timeout", at: begun + beginning.timeoutMs, step };
    case "unreachable": {
      const margin = CANCEL_GRACE_MS + CONFIRM_MARGIN_MS;
      const ends = begun + beginning.timeoutMs + margin;
      if (beginning.onDisconnect === "continue" || step.unreachableAt === undefined) {
        return { type: "lost", at: ends, step };
      }
      return { type: "lost", at: Math.min(ends, step.unreachableAt + LEASE_DISCONNECT_MS + margin), step };
    }
    default:
      return undefined;
  }
}
