/**
 * Every wait of an execution and when it is over, read off the state: no
 * deadline is stored, so none can be forgotten or left behind.
 */
import {
  CANCEL_GRACE_MS,
  EDGE_TIMEOUT_MS,
  HEARTBEAT_TIMEOUT_MS,
  LEASE_DISCONNECT_MS,
  STEP_TIMEOUT_DEFAULT_MS,
  WAIT_MAX_MS,
} from "#protocol/limits.ts";
import { type EngineState, openSteps, type StepRecord } from "./state.ts";

/** What a stop or a silent agent gets on top of the grace, for the way there and back. */
export const CONFIRM_MARGIN_MS = 15_000;

/** How long an execution that another one starts may take to begin: to be there, not to have its turn. */
const CHILD_START_MS = 10 * 60 * 1000;

/** What a request from the edge gets on top of its time limit before its fate counts as unknown. */
const EDGE_MARGIN_MS = 30_000;

export type Deadline =
  /** What the step waits for did not come, or the time that it waits for has. */
  | { type: "wait"; at: number; step: StepRecord }
  /** No agent became free. */
  | { type: "queue"; at: number; fence: number }
  /** The agent took the step, or came back, and said nothing of it since. */
  | { type: "contact"; at: number; step: StepRecord }
  /** The step has run for as long as it may. */
  | { type: "timeout"; at: number; step: StepRecord }
  /** The stop of the step was not confirmed. */
  | { type: "confirm"; at: number; step: StepRecord }
  /** Nothing was heard of it for so long that its fate cannot be known in time. */
  | { type: "lost"; at: number; step: StepRecord }
  /** The execution's own locks did not become free. */
  | { type: "locks"; at: number }
  /** Nobody resumed it. */
  | { type: "pause"; at: number }
  /** The whole execution has run for as long as it may. */
  | { type: "execution"; at: number }
  /** What undoes or cleans up has had as long as anything may. */
  | { type: "phase"; at: number };

/** The deadline that ends the next of the present waits; none once the execution has ended. */
export function deadlineOf(state: EngineState): Deadline | undefined {
  let next: Deadline | undefined;
  for (const deadline of deadlines(state)) if (!next || deadline.at < next.at) next = deadline;
  return next;
}

function* deadlines(state: EngineState): Generator<Deadline> {
  if (state.end) return;
  if (!state.stopping && !state.cancel && !state.phase) {
    yield { type: "execution", at: state.createdAt + (state.plan.timeoutMs ?? WAIT_MAX_MS) };
  }
  if (state.paused) yield { type: "pause", at: state.paused.until };
  else if (state.phase) yield { type: "phase", at: state.phase.since + WAIT_MAX_MS };
  if (state.locks && state.locks.status !== "granted")
    yield { type: "locks", at: state.locks.at + lockWaitMs(state) };
  for (const fence of state.openLeases) {
    const lease = state.leases.get(fence);
    if (lease?.status === "requested" || lease?.status === "queued")
      yield { type: "queue", at: lease.until, fence };
  }
  for (const step of openSteps(state)) yield* deadlinesOf(state, step);
}

function lockWaitMs({ plan }: EngineState): number {
  return Math.min(plan.timeoutMs ?? WAIT_MAX_MS, 60 * 60 * 1000);
}

function* deadlinesOf(state: EngineState, step: StepRecord): Generator<Deadline> {
  if (step.wait && step.state === "waiting") {
    // The end of a wait for an agent is that of its lease.
    const at = step.wait.for === "agent" ? step.wait.askAt : step.wait.until;
    if (at !== undefined) yield { type: "wait", at, step };
  }
  if (step.lists || step.state === "waiting") {
    // What may be tried again has its time limit for each attempt, everything else from its turn on.
    const { timeoutMs } = step.block;
    const counts = timeoutMs !== undefined && step.begunAt !== undefined && !step.stopping;
    if (counts && !isAttempted(step)) yield { type: "timeout", at: step.begunAt + timeoutMs, step };
    return;
  }
  if (step.stopping) {
    yield { type: "confirm", at: step.stopping.at + stopMs(step), step };
    return;
  }
  if (step.dispatchedAt === undefined) return;
  if (step.fence !== undefined) {
    const deadline = agentDeadline(state, step, step.dispatchedAt, step.fence);
    if (deadline) yield deadline;
  } else if (step.executionId !== undefined) {
    const begins = step.startedAt === undefined ? CHILD_START_MS : WAIT_MAX_MS;
    yield {
      type: "timeout",
      at: step.dispatchedAt + Math.min(step.block.timeoutMs ?? WAIT_MAX_MS, begins),
      step,
    };
  } else {
    const limit = Math.min(timeoutOf(step), EDGE_TIMEOUT_MS);
    yield { type: "lost", at: step.dispatchedAt + limit + EDGE_MARGIN_MS, step };
  }
}

function isAttempted({ block }: StepRecord): boolean {
  return block.kind === "command" || block.kind === "api" || block.kind === "runbook";
}

/** A child execution has to stop its own steps first. */
function stopMs({ executionId }: StepRecord): number {
  const own = CANCEL_GRACE_MS + CONFIRM_MARGIN_MS;
  return executionId === undefined ? own : 3 * own;
}

export function timeoutOf({ block }: StepRecord): number {
  return block.timeoutMs ?? STEP_TIMEOUT_DEFAULT_MS;
}

function agentDeadline(
  state: EngineState,
  step: StepRecord,
  dispatchedAt: number,
  fence: number,
): Deadline | undefined {
  const begun = step.startedAt ?? dispatchedAt;
  switch (step.state) {
    case "dispatched": {
      const lease = state.leases.get(fence);
      // While the pool has not answered it is the request's own deadline that counts.
      if (lease?.status === "requested") return undefined;
      const heardAt = Math.max(dispatchedAt, lease?.grantedAt ?? 0, step.contactAt ?? 0);
      return { type: "contact", at: heardAt + HEARTBEAT_TIMEOUT_MS, step };
    }
    case "running":
      return { type: "timeout", at: begun + timeoutOf(step), step };
    case "unreachable":
      return { type: "lost", at: goneBy(step, step.unreachableAt ?? Number.POSITIVE_INFINITY), step };
    default:
      return undefined;
  }
}

/**
 * When an agent that is out of reach has certainly ended a step by itself, ms since the epoch.
 * @param since when it was in reach for the last time
 */
export function goneBy(step: StepRecord, since: number): number {
  const margin = CANCEL_GRACE_MS + CONFIRM_MARGIN_MS;
  const ends = (step.startedAt ?? step.dispatchedAt ?? since) + timeoutOf(step) + margin;
  if (onDisconnectOf(step) === "continue") return ends;
  return Math.min(ends, (step.unreachableAt ?? since) + LEASE_DISCONNECT_MS + margin);
}

function onDisconnectOf({ block }: StepRecord): "continue" | "stop" {
  return ((block.kind === "command" || block.kind === "api") && block.onDisconnect) || "continue";
}
