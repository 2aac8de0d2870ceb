/** What events about steps mean for the state. */
import { compensationOf } from "#protocol/blocks/index.ts";
import type { ExecutionEvent } from "#protocol/events.ts";
import { jsonBytes } from "#protocol/json.ts";
import { blockAt, listOf, mayHaveInstances, pathsOfList, placeOf, ROOT } from "#protocol/paths.ts";
import { isStepTerminal } from "#protocol/states.ts";
import { settleScope } from "./foldLeases.ts";
import { type EngineState, isFailure, type Lists, lateKey, type StepRecord } from "./state.ts";
import { mutable } from "./table.ts";

export const NO_LISTS: Lists = { started: 0, ended: 0, failed: 0 };

type StepEvent = Exclude<Extract<ExecutionEvent, { step: string }>, { type: `locks.${string}` }>;

export function applyStep(state: EngineState, time: number, event: StepEvent): EngineState {
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
          {
            ...{ answer: event.answer, actor: event.actor, at: time, note: event.note },
            ...(event.signature !== undefined && { signature: event.signature }),
          },
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
      settleScope(state, path);
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
          ? { ...unpaused(state, time), stopping: { ...stopping, reason: event.reason } }
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
        inputs: undefined,
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
        usage: event.usage,
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

/** A pause is over: what ends the execution has all its time again. */
export function unpaused(state: EngineState, time: number): EngineState {
  const { paused, phase } = state;
  if (!paused) return state;
  return { ...state, paused: undefined, phase: phase && { ...phase, since: time } };
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

export function addStep(state: EngineState, path: string): void {
  const block = blockAt(state.plan, path);
  if (block && !state.steps.get(path)) state.steps.set(path, { path, block, state: "pending", attempt: 0 });
}

/** A step that has ended counts in the list around it. */
function endStep(state: EngineState, path: string, change: () => Partial<StepRecord>): EngineState {
  const after = changeStep(state, path, () => ({ inputs: undefined, ...change() }));
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

export function changeStep(
  state: EngineState,
  path: string,
  change: (step: StepRecord) => Partial<StepRecord>,
): EngineState {
  const step = state.steps.get(path);
  if (!step) return state;
  const after = { ...step, ...change(step) };
  state.steps.set(path, after);
  const more = HELD.reduce((sum, name) => sum + bytesMore(step[name], after[name]), 0);
  return more === 0 ? state : { ...state, heldBytes: state.heldBytes + more };
}

/** What of a step may be large. */
const HELD = ["values", "over", "inputs"] as const;

function bytesMore(before: unknown, after: unknown): number {
  if (before === after) return 0;
  return (after === undefined ? 0 : jsonBytes(after)) - (before === undefined ? 0 : jsonBytes(before));
}
