/** The fold: what each event means for the state. It decides nothing and never fails. */

import { compensationOf } from "#protocol/blocks/index.ts";
import type { ExecutionEvent } from "#protocol/events.ts";
import {
  blockAt,
  compensationPath,
  listOf,
  mayHaveInstances,
  pathsOfList,
  placeOf,
  ROOT,
} from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";
import { isStepTerminal } from "#protocol/states.ts";
import {
  type EngineState,
  isLeaseOpen,
  type LeaseRecord,
  type Lists,
  type LockRecord,
  lateKey,
  type ScopeRecord,
  type StepRecord,
} from "./state.ts";
import { Table } from "./table.ts";

export interface TimedEvent {
  /** Ms since the epoch, by the coordinator's clock. */
  readonly time: number;
  readonly event: ExecutionEvent;
}

const NO_LISTS: Lists = { started: 0, ended: 0, failed: 0 };

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
      return { ...state, paused: undefined };
    case "cancel.requested":
      return {
        ...state,
        cancel: { actor: event.actor, reason: event.reason, at: time, force: event.force ?? false },
        paused: undefined,
      };
    case "phase.started":
      return startPhase(state, event);
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

type Of<Prefix extends string> = Extract<ExecutionEvent, { type: `${Prefix}.${string}` }>;

function applyLease(state: EngineState, time: number, event: Of<"lease">): EngineState {
  const { fence } = event;
  const scope = state.leases.get(fence)?.scope ?? "";
  switch (event.type) {
    case "lease.requested": {
      const { leaseId: id, scope, poolId, labels, agentId: wantedAgentId, until } = event;
      const lease: LeaseRecord = {
        id,
        fence,
        scope,
        poolId,
        labels,
        wantedAgentId,
        until,
        status: "requested",
        requestedAt: time,
      };
      state.leases.set(fence, lease);
      mutable(state.openLeases).add(fence);
      changeScope(state, scope, { fence });
      return state;
    }
    case "lease.queued":
      changeLease(state, fence, { status: "queued", queue: { ahead: event.ahead, reason: event.reason } });
      return takeBack(state, fence);
    case "lease.granted": {
      const { agentId, agentName, labels } = event;
      changeLease(state, fence, { status: "granted", grantedAt: time, agentId, agentName, queue: undefined });
      changeScope(state, scope, { agent: { id: agentId, name: agentName, labels } });
      return state;
    }
    case "lease.failed":
      changeScope(state, scope, { failures: (state.scopes.get(scope)?.failures ?? 0) + 1 });
      return closeLease(takeBack(state, fence), fence, "failed");
    case "lease.released":
      return closeLease(takeBack(state, fence), fence, "released");
    default:
      return event satisfies never;
  }
}

/** A step has begun under a lease, or may have: its files and processes are with that agent. */
function settleScope(state: EngineState, path: string, change: Partial<ScopeRecord> = {}): void {
  const fence = state.steps.get(path)?.fence;
  const scope = fence === undefined ? undefined : state.leases.get(fence)?.scope;
  if (scope !== undefined) changeScope(state, scope, { settled: true, ...change });
}

function closeLease(state: EngineState, fence: number, status: "failed" | "released"): EngineState {
  const lease = state.leases.get(fence);
  changeLease(state, fence, { status });
  mutable(state.openLeases).delete(fence);
  if (lease && state.scopes.get(lease.scope)?.fence === fence)
    changeScope(state, lease.scope, { fence: undefined });
  return state;
}

/** Nothing was started under this lease: its steps wait again, with the same attempt numbers. */
function takeBack(state: EngineState, fence: number): EngineState {
  const until = state.leases.get(fence)?.until ?? 0;
  for (const path of state.open) {
    const step = state.steps.get(path);
    if (step?.fence !== fence || step.startedAt !== undefined || step.lists) continue;
    if (step.state !== "dispatched" && step.state !== "unreachable") continue;
    state.steps.set(path, {
      ...step,
      state: "waiting",
      wait: { for: "agent", until },
      fence: undefined,
      dispatchedAt: undefined,
      unreachableAt: undefined,
      stopping: undefined,
      detail: undefined,
    });
  }
  return state;
}

function applyLocks(state: EngineState, time: number, event: Of<"locks">): EngineState {
  const before = event.step === ROOT ? state.locks : state.steps.get(event.step)?.locks;
  const locks = locksAfter(before, time, event);
  if (event.step === ROOT) return { ...state, locks };
  return changeStep(state, event.step, () => ({ locks }));
}

function locksAfter(
  before: LockRecord | undefined,
  time: number,
  event: Of<"locks">,
): LockRecord | undefined {
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

type StepEvent = Extract<ExecutionEvent, { step: string }>;

function applyStep(state: EngineState, time: number, event: Exclude<StepEvent, Of<"locks">>): EngineState {
  const { step: path } = event;
  switch (event.type) {
    case "list.started":
      return startList(state, time, path, event.list);
    case "step.expanded":
      return begun(state, time, path, () => ({
        over: event.over,
        lists: NO_LISTS,
        state: "running",
        wait: undefined,
      }));
    case "step.waiting":
      return begun(state, time, path, () => ({ state: "waiting", wait: event.wait }));
    case "step.answered":
      return changeStep(state, path, (step) => ({
        answers: [
          ...(step.answers ?? []),
          { answer: event.answer, actor: event.actor, at: time, note: event.note },
        ],
        values: event.values ? { ...step.values, ...event.values } : step.values,
      }));
    case "step.dispatched":
      return begun(state, time, path, () => ({
        state: "dispatched",
        wait: undefined,
        attempt: event.attempt,
        fence: event.fence,
        inputs: event.inputs,
        executionId: event.executionId,
        dispatchedAt: time,
        startedAt: undefined,
        unreachableAt: undefined,
        stopping: undefined,
        outcome: undefined,
        detail: undefined,
      }));
    case "step.started":
      settleScope(state, path, { failures: 0 });
      return begun(state, time, path, (step) => ({
        state: "running",
        wait: undefined,
        attempt: event.attempt,
        startedAt: time,
        unreachableAt: undefined,
        detail: undefined,
        lists: step.lists ?? (isContainer(step) ? NO_LISTS : undefined),
      }));
    case "step.unreachable":
      return changeStep(state, path, () => ({
        state: "unreachable",
        unreachableAt: time,
        detail: event.reason,
      }));
    case "step.reachable":
      return changeStep(state, path, (step) => ({
        state: step.startedAt === undefined ? "dispatched" : "running",
        unreachableAt: undefined,
        contactAt: time,
        detail: undefined,
      }));
    case "step.stopping": {
      const stopping = { reason: event.reason, at: time };
      if (path === ROOT)
        return event.reason === "timed_out"
          ? { ...state, stopping: { ...stopping, reason: event.reason }, paused: undefined }
          : state;
      return changeStep(state, path, () => ({ stopping }));
    }
    case "attempt.failed":
      if (event.state === "unknown") settleScope(state, path);
      return changeStep(state, path, (step) => ({
        state: "waiting",
        wait: { for: "retry", until: event.retryAt },
        attempt: step.attempt + 1,
        detail: event.detail,
        doubtful: step.doubtful || isDoubtful(event) || undefined,
        fence: undefined,
        dispatchedAt: undefined,
        startedAt: undefined,
        unreachableAt: undefined,
        stopping: undefined,
        executionId: undefined,
      }));
    case "step.finished":
      return endStep(state, path, () => ({
        state: event.state,
        attempt: event.attempt,
        wait: undefined,
        finishedAt: time,
        durationMs: event.durationMs,
        outcome: event.outcome,
        detail: event.detail,
        streams: event.streams,
        leakedOutput: event.leakedOutput,
        ...(event.values && { values: event.values }),
        reused: event.reused,
      }));
    case "step.skipped":
      return endStep(state, path, () => ({
        state: "skipped",
        wait: undefined,
        finishedAt: time,
        detail: event.reason,
      }));
    case "step.late":
      return { ...state, late: [...state.late, lateKey(event)] };
    default:
      return event satisfies never;
  }
}

function isDoubtful({ state, outcome }: ExecutionEvent & { type: "attempt.failed" }): boolean {
  return state === "unknown" || (outcome?.type === "stopped" && !outcome.confirmed);
}

function isContainer({ block }: StepRecord): boolean {
  return block.kind === "condition" || block.kind === "parallel" || block.kind === "foreach";
}

function startList(state: EngineState, time: number, path: string, list: number): EngineState {
  for (const child of pathsOfList(state.plan, path, list)) addStep(state, child);
  if (path === ROOT) return { ...state, lists: { ...state.lists, started: state.lists.started + 1 } };
  return begun(state, time, path, (step) => {
    const lists = step.lists ?? NO_LISTS;
    return { state: "running", wait: undefined, lists: { ...lists, started: lists.started + 1 } };
  });
}

function addStep(state: EngineState, path: string): void {
  const block = blockAt(state.plan, path);
  if (block && !state.steps.get(path)) state.steps.set(path, { path, block, state: "pending", attempt: 0 });
}

/** A step that has ended counts in the list around it. */
function endStep(state: EngineState, path: string, change: () => Partial<StepRecord>): EngineState {
  const after = changeStep(state, path, change);
  mutable(after.open).delete(path);
  const step = after.steps.get(path);
  const place = placeOf(state.plan, path);
  if (!step || !place || (place.undoes && place.instance === undefined)) return after;
  const { step: around, list } = listOf(place);
  const isLast = place.instance !== undefined || place.index === place.siblings.length - 1;
  const failed = isFailure(step);
  const counted = (lists: Lists): Lists => ({
    ...lists,
    ended: lists.ended + (isLast ? 1 : 0),
    failed: lists.failed + (failed ? 1 : 0),
  });
  // Of a step on many agents each is undone, not the step that stands for all of them.
  const isWhole = place.instance === undefined && mayHaveInstances(step.block);
  const undoable =
    step.state === "succeeded" && compensationOf(step.block) && !isWhole
      ? { undoable: [...after.undoable, path] }
      : undefined;
  if (around !== ROOT) {
    const next = changeStep(after, around, (each) => ({ lists: counted(each.lists ?? NO_LISTS) }));
    return undoable ? { ...next, ...undoable } : next;
  }
  const failure =
    failed && list === 0 && !after.failure
      ? { failure: { step: path, state: step.state, detail: step.detail } }
      : undefined;
  return { ...after, ...undoable, ...failure, lists: counted(after.lists) };
}

/** True for an end that stops what comes after it. */
export function isFailure(step: StepRecord): boolean {
  const bad =
    step.state === "failed" ||
    step.state === "timed_out" ||
    step.state === "unknown" ||
    step.state === "canceled";
  return bad && (step.block.onFailure !== "continue" || step.state === "canceled");
}

function startPhase(state: EngineState, event: ExecutionEvent & { type: "phase.started" }): EngineState {
  const paths = event.steps
    .map((path) => compensationPath(state.plan, path))
    .filter((path) => path !== undefined);
  for (const path of paths) addStep(state, path);
  return { ...state, phase: { name: event.phase, steps: paths, ending: event.ending } };
}

function begun(
  state: EngineState,
  time: number,
  path: string,
  change: (step: StepRecord) => Partial<StepRecord>,
): EngineState {
  const after = changeStep(state, path, (step) => ({ begunAt: step.begunAt ?? time, ...change(step) }));
  const step = after.steps.get(path);
  if (step && !isStepTerminal(step.state)) mutable(after.open).add(path);
  return after;
}

function changeStep(
  state: EngineState,
  path: string,
  change: (step: StepRecord) => Partial<StepRecord>,
): EngineState {
  const step = state.steps.get(path);
  if (step) state.steps.set(path, { ...step, ...change(step) });
  return state;
}

function changeLease(state: EngineState, fence: number, change: Partial<LeaseRecord>): void {
  const lease = state.leases.get(fence);
  if (isLeaseOpen(lease)) state.leases.set(fence, { ...lease, ...change });
}

function changeScope(state: EngineState, scope: string, change: Partial<ScopeRecord>): void {
  state.scopes.set(scope, { failures: 0, ...state.scopes.get(scope), ...change });
}

/** The fold alone changes sets, and only those that a draft has forked for it. */
function mutable<T>(set: ReadonlySet<T>): Set<T> {
  return set as Set<T>;
}
