/** A step has its turn: everything that may hold it back, and then how its kind begins. */

import type { StepValues } from "#protocol/data.ts";
import { ExpressionError } from "#protocol/expressions.ts";
import {
  ITEMS_MAX,
  PERSON_WAIT_DEFAULT_MS,
  QUEUE_WAIT_DEFAULT_MS,
  STEPS_MAX,
  VALUES_MAX_BYTES,
} from "#protocol/limits.ts";
import { ancestorsOf, pathsOfList, placeOf } from "#protocol/paths.ts";
import { beginBlock } from "../../blocks/index.ts";
import type { Beginning } from "../../blocks/kind.ts";
import { sendToAgent } from "./agents.ts";
import { type Draft, UnreadableEvent } from "./draft.ts";
import { policyOf } from "./lists.ts";
import { sceneOf } from "./scene.ts";
import { groupTarget } from "./scopes.ts";
import { type AgentsOver, type EngineState, entryOf, noRoomFor, type StepRecord } from "./state.ts";
import { fail, finish, skip } from "./steps.ts";

/** Begins a step, or goes on with one whose wait is over. */
export function begin(draft: Draft, path: string): void {
  const step = draft.step(path);
  if (step?.state !== "pending" && step?.state !== "waiting") return;
  const halt = haltOf(draft.state, path);
  if (halt) return skip(draft, path, halt);
  if (draft.state.paused) return wait(draft, path, { for: "resume", until: draft.state.paused.until });
  try {
    const isNew = step.begunAt === undefined || (step.wait?.for === "resume" && step.attempt === 0);
    if (isNew && !isWanted(draft, step)) return;
    if (!hasLocks(draft, step) || !isConfirmed(draft, step)) return;
    perform(draft, step, beginBlock(step.block, sceneOf(draft.state, path, draft.moment.now)));
  } catch (error) {
    if (!(error instanceof ExpressionError || error instanceof UnreadableEvent)) throw error;
    fail(draft, path, error.message);
  }
}

/** Why nothing new may begin there, if that is so. */
export function haltOf(state: EngineState, path: string): string | undefined {
  if (state.end || state.cancel?.force) return "the execution was canceled";
  // What undoes and cleans up is brought to its end.
  if (!state.phase && state.cancel) return "the execution was canceled";
  if (!state.phase && state.stopping) return "the execution ran out of time";
  for (const around of ancestorsOf(state.plan, path)) {
    const step = state.steps.get(around);
    if (!step) continue;
    if (step.stopping) return `"${around}" was stopped`;
    // What one round of a foreach has begun it brings to its end; the branches of a parallel belong together.
    if (step.block.kind === "parallel" && (step.lists?.failed ?? 0) > policyOf(step).maxFailures) {
      return `another branch of "${around}" failed`;
    }
  }
  return undefined;
}

/** False when the step is not to be done at all; it is then ended. */
function isWanted(draft: Draft, step: StepRecord): boolean {
  const { plan, taken } = draft.state;
  const { path, block } = step;
  const values = entryOf(taken?.reused, path);
  const passed = entryOf(taken?.passed, path);
  if (isOutOfRange(draft.state, path)) skip(draft, path, "outside of the chosen range");
  else if (values) finish(draft, path, { state: "succeeded", values, reused: true });
  else if (passed) finish(draft, path, { ...passed, reused: true });
  else if (block.when === undefined || placeOf(plan, path)?.instance !== undefined) return true;
  else {
    const result = sceneOf(draft.state, path, draft.moment.now).evaluate(block.when);
    if (result === true) return true;
    if (result === false) skip(draft, path, "its condition does not hold");
    else fail(draft, path, `"${block.when.slice(0, 80)}" is neither true nor false`);
  }
  return false;
}

function isOutOfRange({ plan }: EngineState, path: string): boolean {
  const place = placeOf(plan, path);
  if (!plan.range || !place || place.parent || place.list !== 0) return false;
  const at = (name: string | undefined, otherwise: number) => {
    const index = plan.blocks.findIndex(({ id }) => id === name);
    return index < 0 ? otherwise : index;
  };
  return place.index < at(plan.range.from, 0) || place.index > at(plan.range.to, plan.blocks.length);
}

/** False while locks are waited for. */
function hasLocks(draft: Draft, step: StepRecord): boolean {
  const { locks } = step.block;
  const isInstance = placeOf(draft.state.plan, step.path)?.instance !== undefined;
  if (!locks || isInstance || step.locks?.status === "granted") return true;
  if (step.locks) return false;
  requestLocks(draft, step.path, locks);
  wait(draft, step.path, { for: "locks", until: draft.moment.now + QUEUE_WAIT_DEFAULT_MS });
  return false;
}

export function requestLocks(
  draft: Draft,
  path: string,
  locks: NonNullable<StepRecord["block"]["locks"]>,
  withSlot = false,
): void {
  const asked = locks.map(({ name, mode }) => ({ name, mode: mode ?? ("exclusive" as const) }));
  draft.emit({ type: "locks.requested", step: path, locks: asked, ...(withSlot && { slot: true }) });
  draft.ask({ type: "locks.acquire", step: path });
}

/** False while a person is asked whether it may begin. */
function isConfirmed(draft: Draft, step: StepRecord): boolean {
  const { confirm } = step.block;
  const isInstance = placeOf(draft.state.plan, step.path)?.instance !== undefined;
  if (confirm === undefined || isInstance || step.answers?.some(({ answer }) => answer === "confirm"))
    return true;
  const question = confirm === true ? "May this step begin?" : confirm;
  wait(draft, step.path, { for: "confirmation", question, until: draft.moment.now + PERSON_WAIT_DEFAULT_MS });
  return false;
}

function wait(draft: Draft, path: string, wait: NonNullable<StepRecord["wait"]>): void {
  const known = draft.step(path)?.wait;
  if (known?.for === wait.for) return;
  draft.emit({ type: "step.waiting", step: path, wait });
}

function perform(draft: Draft, step: StepRecord, beginning: Beginning): void {
  const { path } = step;
  const attempt = Math.max(step.attempt, 1);
  const over = entryOf(draft.state.taken?.expanded, path);
  if (over && (beginning.type === "agents" || beginning.type === "items")) return expand(draft, path, over);
  const noRoom = "inputs" in beginning ? noRoomFor(draft.state, beginning.inputs) : undefined;
  if (noRoom !== undefined) return fail(draft, path, noRoom);
  switch (beginning.type) {
    case "complete":
      return finish(draft, path, { state: "succeeded" });
    case "fail":
      return fail(draft, path, beginning.detail);
    case "wait":
      return wait(draft, path, beginning.wait);
    case "agent":
      return sendToAgent(draft, step, beginning.values);
    case "agents":
      return resolveAgents(draft, step);
    case "edge":
      draft.emit({ type: "step.dispatched", step: path, attempt, inputs: beginning.inputs });
      return draft.ask({ type: "edge.request", step: path, attempt, inputs: beginning.inputs });
    case "child": {
      const executionId = draft.moment.newId("execution");
      draft.emit({ type: "step.dispatched", step: path, attempt, inputs: beginning.inputs, executionId });
      return draft.ask({ type: "child.start", step: path, executionId, inputs: beginning.inputs });
    }
    case "list":
      draft.emit({ type: "step.started", step: path, attempt });
      return startList(draft, path, beginning.list);
    case "lists":
      draft.emit({ type: "step.started", step: path, attempt });
      draft.tasks.push({ do: "continue", step: path });
      return;
    case "items":
      return expand(draft, path, { type: "items", items: toJsonItems(beginning.items) });
    default:
      return beginning satisfies never;
  }
}

/** Begins the first step of a list; an empty list is done at once. */
export function startList(draft: Draft, path: string, list: number): void {
  const { steps, phase } = draft.state;
  // What undoes and cleans up runs also when the limit was reached before: it has as many for itself.
  if (steps.size - (phase?.stepsBefore ?? 0) >= STEPS_MAX) {
    return fail(draft, path, `an execution may have at most ${STEPS_MAX} steps; split the work`);
  }
  const [first] = pathsOfList(draft.state.plan, path, list);
  if (first !== undefined) draft.emit({ type: "list.started", step: path, list });
  draft.tasks.push(first === undefined ? { do: "continue", step: path } : { do: "begin", step: first });
}

/** Asks which agents match, or goes on with the answer. */
function resolveAgents(draft: Draft, step: StepRecord): void {
  const target = groupTarget(draft.state, step.path);
  wait(draft, step.path, { for: "targets", until: draft.moment.now + target.waitMs });
  draft.ask({ type: "targets.resolve", step: step.path, poolId: target.poolId, labels: target.labels });
}

/** The answer to which agents match. */
export function agentsResolved(draft: Draft, path: string, agents: AgentsOver): void {
  const step = draft.step(path);
  if (step?.wait?.for !== "targets") return;
  const { whenNone } = groupTarget(draft.state, path);
  if (agents.length > ITEMS_MAX) {
    return fail(
      draft,
      path,
      `${agents.length} agents match; at most ${ITEMS_MAX} are possible, so narrow the labels`,
    );
  }
  if (agents.length > 0) return expand(draft, path, { type: "agents", agents: [...agents] });
  if (whenNone === "fail") fail(draft, path, "no agent matches its target");
}

function expand(draft: Draft, path: string, over: NonNullable<StepRecord["over"]>): void {
  const bytes = new TextEncoder().encode(JSON.stringify(over)).length;
  if (over.type === "items" && bytes > 4 * VALUES_MAX_BYTES) {
    return fail(
      draft,
      path,
      `its list has ${Math.ceil(bytes / 1024)} KiB; at most ${(4 * VALUES_MAX_BYTES) / 1024} KiB are possible`,
    );
  }
  const noRoom = noRoomFor(draft.state, over);
  if (noRoom !== undefined) return fail(draft, path, noRoom);
  draft.emit({ type: "step.expanded", step: path, over });
  draft.tasks.push({ do: "continue", step: path });
}

type Json = StepValues[string];

/** What an expression gave is JSON by its contract. */
function toJsonItems(items: readonly unknown[]): Json[] {
  return JSON.parse(JSON.stringify(items)) as Json[];
}
