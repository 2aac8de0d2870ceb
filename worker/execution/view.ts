/** The execution as the API shows it, read off the engine's state. */
import type { Execution, ExecutionSummary, Step } from "#protocol/api/executions.ts";
import { STREAMS } from "#protocol/chunk.ts";
import { blockTitle } from "../blocks/index.ts";
import { currentLease, type EngineState, type LeaseRecord, type StepRecord } from "./engine/state.ts";
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

export function toExecution(
  executionId: string,
  state: EngineState,
  head: number,
  held: (step: string, attempt: number) => HeldOutput,
): Execution {
  const lease = currentLease(state);
  return {
    ...toSummary(executionId, state),
    plan: state.plan,
    planDigest: state.planDigest,
    steps: [...state.steps.values()].map((step) => toStep(state, step, held(step.path, step.attempt))),
    queue: lease?.status === "queued" ? lease.queue : undefined,
    agent: lease && agentOf(lease),
    canceling: state.cancel !== undefined && !state.end,
    confirmed: state.end?.confirmed,
    detail: state.end?.detail,
    head,
  };
}

function agentOf({ status, agentId, agentName }: LeaseRecord): Execution["agent"] {
  if (status !== "granted" || agentId === undefined || agentName === undefined) return undefined;
  return { id: agentId, name: agentName };
}

function toStep(state: EngineState, step: StepRecord, held: HeldOutput): Step {
  const lease = state.leases.find((each) => each.fence === step.fence);
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
    detail: step.detail,
    output: { bytes: held.position, lines: held.line, cutBytes },
    streams: step.streams,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
