/** The fold: what each event means for the state. It decides nothing and never fails. */
import type { ExecutionEvent } from "#protocol/events.ts";
import type { Plan } from "#protocol/plan.ts";
import { type EngineState, type LeaseRecord, lateKey, type StepRecord } from "./state.ts";
import { StepTable } from "./stepTable.ts";

export interface TimedEvent {
  /** Ms since the epoch, by the coordinator's clock. */
  readonly time: number;
  readonly event: ExecutionEvent;
}

/** The state an `execution.created` event begins from. */
function begin(plan: Plan, time: number, event: ExecutionEvent & { type: "execution.created" }): EngineState {
  const steps = StepTable.of(
    plan.blocks.map((block) => ({ path: block.id, block, state: "pending", attempt: 0 })),
  );
  const { planDigest, trigger, actor } = event;
  return { plan, state: "queued", createdAt: time, planDigest, trigger, actor, steps, leases: [], late: [] };
}

/**
 * Rebuilds the state from the whole log.
 * @throws Error when the log does not begin with `execution.created`: storage is damaged.
 */
export function fold(plan: Plan, log: Iterable<TimedEvent>): EngineState {
  let state: EngineState | undefined;
  for (const entry of log) {
    if (state) state = apply(state, entry);
    else if (entry.event.type === "execution.created") state = begin(plan, entry.time, entry.event);
    else break;
  }
  if (!state) throw new Error("the event log does not begin with execution.created");
  return state;
}

/**
 * The state after one more event. The step table is changed in place, so that
 * folding a log costs its length; whoever needs the state before forks first.
 */
export function apply(state: EngineState, { time, event }: TimedEvent): EngineState {
  switch (event.type) {
    case "execution.created":
      return state;
    case "lease.requested":
      return {
        ...state,
        leases: [
          ...state.leases,
          { id: event.leaseId, fence: event.fence, status: "requested", requestedAt: time },
        ],
      };
    case "lease.queued":
      return withLease(takeBack(state, event.fence), event.fence, () => ({
        status: "queued",
        queue: { ahead: event.ahead, reason: event.reason },
      }));
    case "lease.granted":
      return withLease({ ...state, state: "running" }, event.fence, () => ({
        status: "granted",
        grantedAt: time,
        agentId: event.agentId,
        agentName: event.agentName,
        queue: undefined,
      }));
    case "lease.failed":
      return withLease(takeBack(state, event.fence), event.fence, () => ({ status: "failed" }));
    case "lease.released":
      return withLease(state, event.fence, () => ({ status: "released" }));
    case "step.dispatched":
      return withStep(state, event.step, () => ({
        state: "dispatched",
        attempt: event.attempt,
        fence: event.fence,
        dispatchedAt: time,
      }));
    case "step.started":
      return withStep(state, event.step, () => ({
        state: "running",
        startedAt: time,
        unreachableAt: undefined,
        detail: undefined,
      }));
    case "step.unreachable":
      return withStep(state, event.step, () => ({
        state: "unreachable",
        unreachableAt: time,
        detail: event.reason,
      }));
    case "step.reachable":
      return withStep(state, event.step, (step) => ({
        state: step.startedAt === undefined ? "dispatched" : "running",
        unreachableAt: undefined,
        detail: undefined,
      }));
    case "step.stopping":
      return withStep(state, event.step, () => ({ stopping: { reason: event.reason, at: time } }));
    case "step.finished":
      return withStep(state, event.step, () => ({
        state: event.state,
        finishedAt: time,
        durationMs: event.durationMs,
        outcome: event.outcome,
        detail: event.detail,
        streams: event.streams,
        leakedOutput: event.leakedOutput,
      }));
    case "step.skipped":
      return withStep(state, event.step, () => ({
        state: "skipped",
        finishedAt: time,
        detail: event.reason,
      }));
    case "step.late":
      return { ...state, late: [...state.late, lateKey(event)] };
    case "cancel.requested":
      return { ...state, cancel: { actor: event.actor, reason: event.reason, at: time } };
    case "execution.finished":
      return {
        ...state,
        state: event.state,
        end: { state: event.state, at: time, confirmed: event.confirmed, detail: event.detail },
      };
    default:
      return event satisfies never;
  }
}

function withStep(
  state: EngineState,
  path: string,
  change: (step: StepRecord) => Partial<StepRecord>,
): EngineState {
  state.steps.change(path, change);
  return state;
}

function withLease(state: EngineState, fence: number, change: () => Partial<LeaseRecord>): EngineState {
  return {
    ...state,
    leases: state.leases.map((lease) => (lease.fence === fence ? { ...lease, ...change() } : lease)),
  };
}

const NOT_DISPATCHED = {
  fence: undefined,
  dispatchedAt: undefined,
  unreachableAt: undefined,
  stopping: undefined,
  detail: undefined,
};

/** Nothing was started under this lease: its step waits again, with the same attempt number. */
function takeBack(state: EngineState, fence: number): EngineState {
  for (const step of state.steps.values()) {
    const out = step.state === "dispatched" || step.state === "unreachable";
    if (out && step.fence === fence && step.startedAt === undefined) {
      state.steps.change(step.path, () => ({ ...NOT_DISPATCHED, state: "waiting" }));
    }
  }
  return state;
}
