/** What a retry takes over from the execution that it repeats. Pure. */
import { childLists, compensationOf } from "#protocol/blocks/index.ts";
import type { TakenOver } from "#protocol/events.ts";
import { parseExpression } from "#protocol/expressions.ts";
import { compensationPath, pathFrom, pathsOfList, placeOf } from "#protocol/paths.ts";
import { isStepTerminal } from "#protocol/states.ts";
import { type EngineState, entryOf, isFailure, type Over, type StepRecord } from "./engine/state.ts";

/** Where a retry begins: at what failed, at a block of the top level, or at the beginning. */
export interface RetryWish {
  mode: "failed" | "step" | "all";
  step?: string | undefined;
}

/**
 * The steps that succeeded and whose effect is still there; before the block
 * that a retry begins at also those whose failure was tolerated. Steps with others
 * inside begin again, and find inside what is taken over: so expressions see
 * every value where they saw it before. Not taken over are
 * - approvals, which are given for one plan;
 * - steps that were undone, or whose undoing was begun;
 * - `finally` and compensations, which belong to one execution's end;
 * - what lies in a `foreach` whose list may be another one now.
 */
export function takeOver(state: EngineState, { mode, step }: RetryWish): TakenOver {
  const taken: TakenOver = { reused: {}, expanded: {}, doneOn: {} };
  if (mode === "all") return taken;
  const { blocks } = state.plan;
  const before =
    mode === "step"
      ? blocks.slice(
          0,
          Math.max(
            0,
            blocks.findIndex(({ id }) => id === step),
          ),
        )
      : blocks;
  for (const { id } of before) {
    const step = state.steps.get(id);
    if (mode === "failed") take(state, id, taken);
    else if (step && isStepTerminal(step.state) && !isFailure(step)) take(state, id, taken, "also failed");
  }
  return taken;
}

/** @param which whether what failed counts as done, because it was tolerated by what is around it */
function take(state: EngineState, path: string, taken: TakenOver, which?: "also failed"): void {
  const step = state.steps.get(path);
  if (!step) return;
  const { over } = step;
  const inside = over ? sizeOf(over) : childLists(step.block).length;
  if (inside === 0 && !over) {
    const passed = which && passedBy(step);
    if (passed) {
      taken.passed ??= {};
      taken.passed[path] = passed;
    }
    if (!isStillDone(state, step)) return;
    taken.reused[path] = step.values ?? {};
    const agent = agentOf(state, step);
    if (agent && compensationOf(step.block)) taken.doneOn[path] = agent;
    return;
  }
  if (over) {
    if (!isSameList(state, step, taken)) return;
    taken.expanded[path] = over;
  }
  for (let list = 0; list < inside; list++) {
    for (const child of pathsOfList(state.plan, path, list)) take(state, child, taken, which);
  }
}

type Passed = NonNullable<TakenOver["passed"]>[string];

function passedBy({ block, state, values, detail }: StepRecord): Passed | undefined {
  if (block.kind === "approval") return undefined;
  const failed = state === "failed" || state === "timed_out" || state === "unknown" || state === "canceled";
  return failed ? { state, ...(values && { values }), ...(detail && { detail }) } : undefined;
}

/** Where a step was done: here, or in an execution that this one has it from. */
function agentOf(
  state: EngineState,
  { path, fence, reused }: StepRecord,
): TakenOver["doneOn"][string] | undefined {
  if (reused) return entryOf(state.taken?.doneOn, path);
  const { poolId, agentId } = (fence !== undefined && state.leases.get(fence)) || {};
  return poolId !== undefined && agentId !== undefined ? { poolId, agentId } : undefined;
}

function sizeOf(over: Over): number {
  return over.type === "items" ? over.items.length : over.agents.length;
}

function isStillDone(state: EngineState, { path, block, state: ended }: StepRecord): boolean {
  if (ended !== "succeeded" || block.kind === "approval") return false;
  if (block.kind === "foreach" || block.kind === "parallel" || block.kind === "condition") return false;
  const undo = state.steps.get(compensationPath(state.plan, path) ?? "");
  return undo === undefined || undo.state === "skipped";
}

/** False when the list is worked out of something that may be different the next time. */
function isSameList(
  { plan }: EngineState,
  { path, block, over }: StepRecord,
  { reused, passed }: TakenOver,
): boolean {
  if (over?.type === "agents") return true;
  if (block.kind !== "foreach" || block.items === undefined) return false;
  if (/\b(?:execution|agent)\b/.test(block.items)) return false;
  const numbers = placeOf(plan, path)?.numbers ?? [];
  return parseExpression(block.items).steps.every((name) => {
    const seen = pathFrom(plan, numbers, name);
    return seen !== undefined && (entryOf(reused, seen) ?? entryOf(passed, seen)) !== undefined;
  });
}
