/** The fold: what each event means for the state. It decides nothing and never fails. */

import type { ExecutionEvent } from "#protocol/events.ts";
import { compensationPath, ROOT } from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";
import { applyLease } from "./foldLeases.ts";
import { addStep, applyStep, changeStep, NO_LISTS, unpaused } from "./foldSteps.ts";
import type { EngineState, LockRecord } from "./state.ts";
import { Table } from "./table.ts";

export interface TimedEvent {
  /** Ms since the epoch, by the coordinator's clock. */
  readonly time: number;
  readonly event: ExecutionEvent;
}

/** The state an `execution.created` event begins from. */
function begin(plan: Plan, time: number, event: ExecutionEvent & { type: "execution.created" }): EngineState {
  const { type: _, schema: __, ...origin } = event;
  return {
    plan,
    ...origin,
    state: "queued",
    createdAt: time,
    steps: new Table(),
    open: new Set(),
    leases: new Table(),
    openLeases: new Set(),
    scopes: new Table(),
    lists: NO_LISTS,
    undoable: [],
    late: [],
    heldBytes: 0,
  };
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
 * The state after one more event. Tables and sets are changed in place, so that
 * folding a log costs its length; whoever needs the state before forks first.
 */
export function apply(state: EngineState, { time, event }: TimedEvent): EngineState {
  switch (event.type) {
    case "execution.created":
      return state;
    case "execution.state":
      return { ...state, state: event.state };
    case "execution.paused":
      return { ...state, paused: { actor: event.actor, reason: event.reason, at: time, until: event.until } };
    case "execution.resumed":
      return unpaused(state, time);
    case "cancel.requested":
      return {
        ...unpaused(state, time),
        cancel: { actor: event.actor, reason: event.reason, at: time, force: event.force ?? false },
      };
    case "phase.started":
      return startPhase(state, time, event);
    case "execution.finished":
      return {
        ...state,
        state: event.state,
        end: { state: event.state, at: time, confirmed: event.confirmed, detail: event.detail },
      };
    case "lease.requested":
    case "lease.queued":
    case "lease.granted":
    case "lease.failed":
    case "lease.released":
      return applyLease(state, time, event);
    case "locks.requested":
    case "locks.queued":
    case "locks.granted":
    case "locks.released":
      return applyLocks(state, time, event);
    default:
      return applyStep(state, time, event);
  }
}

type LockEvent = Extract<ExecutionEvent, { type: `locks.${string}` }>;

function applyLocks(state: EngineState, time: number, event: LockEvent): EngineState {
  const before = event.step === ROOT ? state.locks : state.steps.get(event.step)?.locks;
  const locks = locksAfter(before, time, event);
  if (event.step === ROOT) return { ...state, locks };
  return changeStep(state, event.step, () => ({ locks }));
}

function locksAfter(before: LockRecord | undefined, time: number, event: LockEvent): LockRecord | undefined {
  if (event.type === "locks.requested") {
    return { status: "requested", at: time, locks: event.locks, slot: event.slot };
  }
  if (!before || event.type === "locks.released") return undefined;
  if (event.type === "locks.queued") {
    const { ahead, holder, reason } = event;
    return { ...before, status: "queued", queue: { ahead, holder, reason } };
  }
  return { ...before, status: "granted", fences: event.fences, queue: undefined };
}

function startPhase(
  state: EngineState,
  time: number,
  event: ExecutionEvent & { type: "phase.started" },
): EngineState {
  const paths = event.steps
    .map((path) => compensationPath(state.plan, path))
    .filter((path) => path !== undefined);
  for (const path of paths) addStep(state, path);
  const { phase: name, ending } = event;
  return { ...state, phase: { name, steps: paths, ending, since: time, stepsBefore: state.steps.size } };
}
