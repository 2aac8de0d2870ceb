/** The execution as the API shows it, read off the engine's state. */
import type { Execution, ExecutionProgress, ExecutionSummary, Step } from "#protocol/api/executions.ts";
import { STREAMS } from "#protocol/chunk.ts";
import type { Notification } from "#protocol/notifications.ts";
import { ancestorsOf, listOf, placeOf } from "#protocol/paths.ts";
import { blockTitle } from "../blocks/index.ts";
import { policyOf } from "./engine/lists.ts";
import {
  type EngineState,
  type LeaseRecord,
  type LockRecord,
  openSteps,
  type StepRecord,
} from "./engine/state.ts";
import { queueOf, queueOfStep } from "./engine/untaken.ts";
import type { HeldOutput } from "./store.ts";

export function toSummary(executionId: string, state: EngineState): ExecutionSummary {
  return {
    id: executionId,
    runbookId: state.plan.runbookId,
    versionNumber: state.plan.versionNumber,
    title: state.plan.title,
    state: state.state,
    trigger: state.trigger,
    actor: state.actor,
    createdAt: iso(state.createdAt),
    finishedAt: state.end && iso(state.end.at),
    durationMs: state.end && state.end.at - state.createdAt,
  };
}

/** How it ended, as its organization is told; undefined before. @param publicUrl where people reach this server */
export function toNotification(
  executionId: string,
  { plan, trigger, createdAt, end }: EngineState,
  publicUrl: string,
): Notification | undefined {
  if (!end) return undefined;
  const { runbookId, title } = plan;
  const data = {
    executionId,
    runbookId,
    title,
    state: end.state,
    confirmed: end.confirmed,
    durationMs: end.at - createdAt,
    trigger,
    url: new URL(`/executions/${executionId}`, publicUrl).href,
  };
  return { type: "execution.finished", timestamp: iso(end.at), data };
}

/** The agents that its steps went to. */
export function agentsOf({ leases }: EngineState): string[] {
  return [...new Set([...leases.values()].flatMap(({ agentId }) => agentId ?? []))];
}

type Held = (step: string, attempt: number) => HeldOutput;

export function toExecution(executionId: string, state: EngineState, head: number, held: Held): Execution {
  return {
    ...toProgress(executionId, state, head),
    plan: state.plan,
    planDigest: state.planDigest,
    steps: [...state.steps.values()].map((step) => toStep(state, step, held(step.path, step.attempt))),
  };
}

/** What changes of an execution, without its steps. */
export function toProgress(executionId: string, state: EngineState, head: number): ExecutionProgress {
  const leases = [...state.openLeases]
    .map((fence) => state.leases.get(fence))
    .filter((lease) => lease !== undefined);
  const granted = leases.find(({ status }) => status === "granted");
  const queued = leases.find(({ status }) => status === "queued");
  const { paused, locks, phase, end } = state;
  return {
    ...toSummary(executionId, state),
    queue: (queued && queueOf(state, queued)) ?? slotQueue(locks) ?? declinedQueue(state),
    agent: granted && agentOf(granted),
    paused: paused && !end ? { actor: paused.actor, reason: paused.reason, at: iso(paused.at) } : undefined,
    locks: locks && locks.locks.length > 0 ? toLockPlace(locks) : undefined,
    phase: end ? undefined : phase?.name,
    lineage: state.lineage,
    canceling: state.cancel !== undefined && !end,
    confirmed: end?.confirmed,
    detail: end?.detail,
    head,
  };
}

/** These of its steps, as far as they exist. */
export function toSteps(state: EngineState, paths: Iterable<string>, held: Held): Step[] {
  return [...paths].flatMap((path) => {
    const step = state.steps.get(path);
    return step ? [toStep(state, step, held(path, step.attempt))] : [];
  });
}

function agentOf({ agentId, agentName }: LeaseRecord): Execution["agent"] {
  return agentId === undefined || agentName === undefined ? undefined : { id: agentId, name: agentName };
}

function toLockPlace({ status, locks, queue }: LockRecord): Execution["locks"] {
  const waits = queue?.reason === undefined ? queue : undefined;
  return { status, names: locks.map(({ name }) => name), ahead: waits?.ahead, holder: waits?.holder };
}

/** Its place among those that wait because the organization runs as many as it may. */
function slotQueue(locks: LockRecord | undefined): Execution["queue"] {
  const { ahead, reason } = locks?.queue ?? {};
  return ahead !== undefined && reason !== undefined ? { ahead, reason } : undefined;
}

/** That of the first step that waits to be offered again: nothing of it stands in the pool's queue until then. */
function declinedQueue(state: EngineState): Execution["queue"] {
  for (const step of openSteps(state)) {
    if (step.wait?.for === "agent" && step.wait.askAt !== undefined) return queueOfStep(state, step);
  }
  return undefined;
}

function toStep(state: EngineState, step: StepRecord, held: HeldOutput): Step {
  const lease = step.fence === undefined ? undefined : state.leases.get(step.fence);
  const cutBytes = STREAMS.reduce((sum, stream) => sum + (step.streams?.[stream].cutBytes ?? 0), 0);
  return {
    id: step.path,
    kind: step.block.kind,
    title: blockTitle(step.block),
    state: step.state,
    attempt: step.attempt,
    fence: step.fence,
    agentId: lease?.agentId,
    agentName: lease?.agentName,
    startedAt: step.startedAt === undefined ? undefined : iso(step.startedAt),
    finishedAt: step.finishedAt === undefined ? undefined : iso(step.finishedAt),
    durationMs: step.durationMs,
    outcome: step.outcome,
    usage: step.usage,
    wait: step.wait,
    queue: queueOfStep(state, step),
    values: step.values,
    answers: step.answers?.map(({ at, ...answer }) => ({ ...answer, at: iso(at) })),
    executionId: step.executionId,
    lists: step.lists && { total: policyOf(step).total, ...step.lists },
    item: itemOf(state, step.path),
    reused: step.reused,
    detail: step.detail,
    output: { bytes: held.position, lines: held.line, cutBytes },
    streams: step.streams,
  };
}

const ITEM_SHOWN = 80;

/** The item of the innermost `foreach` around a step, or around what it undoes. */
function itemOf(state: EngineState, path: string): string | undefined {
  const { plan, steps } = state;
  const { undoes, numbers = [] } = placeOf(plan, path) ?? {};
  const start = undoes ? [undoes.id, ...numbers].join("~") : path;
  for (const each of [start, ...ancestorsOf(plan, start)]) {
    const place = placeOf(plan, each);
    const { step, list } = place ? listOf(place) : { step: "", list: 0 };
    const over = steps.get(step)?.over;
    if (over?.type !== "items") continue;
    const item = over.items[list];
    return (typeof item === "string" ? item : JSON.stringify(item))?.slice(0, ITEM_SHOWN);
  }
  return undefined;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
