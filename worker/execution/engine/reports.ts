/** What pools, agents, locks, the edge and other executions report. */
import { ROOT } from "#protocol/paths.ts";
import { waitingIn, wakeScope } from "./agents.ts";
import { agentsResolved, haltOf, startList } from "./begin.ts";
import { goneBy } from "./deadlines.ts";
import type { Draft } from "./draft.ts";
import type { AttemptKey, EngineInput } from "./inputs.ts";
import { isLeaseOpen, isOut, lateKey, noRoomFor, type StepRecord, stepsUnder } from "./state.ts";
import { fail, finish } from "./steps.ts";
import { askToStop } from "./stop.ts";
import { declaredValues, retryAt, type Verdict, verdictOf } from "./verdict.ts";

type Reported = Exclude<
  EngineInput,
  { type: "cancel" | "pause" | "resume" | "skip" | "answer" | "damaged" | "tick" }
>;
type Input<Type extends Reported["type"]> = Extract<Reported, { type: Type }>;

export function reported(draft: Draft, input: Reported): void {
  switch (input.type) {
    case "lease.granted":
    case "lease.queued":
    case "lease.failed":
    case "lease.lost":
      return leaseChanged(draft, input);
    case "targets.resolved":
      return agentsResolved(draft, input.step, input.agents);
    case "locks.granted":
    case "locks.queued":
      return locksChanged(draft, input);
    case "agent.connected":
      return agentConnected(draft, input);
    case "agent.disconnected":
      for (const step of [...stepsUnder(draft.state, input.fence)]) {
        const { attempt } = step;
        if (step.state === "unreachable") continue;
        draft.emit({ type: "step.unreachable", step: step.path, attempt, reason: input.reason });
      }
      return;
    case "step.started":
      return stepStarted(draft, input);
    case "step.finished":
      return stepFinished(draft, input);
    case "edge.finished":
      return edgeFinished(draft, input);
    case "child.started":
    case "child.finished":
      return childChanged(draft, input);
    default:
      input satisfies never;
  }
}

function leaseChanged(
  draft: Draft,
  input: Input<"lease.granted" | "lease.queued" | "lease.failed" | "lease.lost">,
): void {
  const lease = draft.state.leases.get(input.fence);
  if (!isLeaseOpen(lease)) return;
  const { fence, scope } = lease;
  const under = [...stepsUnder(draft.state, fence)];
  switch (input.type) {
    case "lease.granted": {
      const { agentId, agentName, labels } = input;
      if (lease.status === "granted") return;
      draft.emit({ type: "lease.granted", fence, agentId, agentName, labels });
      return wakeScope(draft, scope);
    }
    case "lease.queued": {
      const { ahead, reason, detail } = input;
      if (lease.status !== "requested") return;
      draft.emit({ type: "lease.queued", fence, ahead, reason, detail });
      return endStopped(draft, under);
    }
    case "lease.failed": {
      if (under.some((step) => step.startedAt !== undefined)) return;
      draft.emit({ type: "lease.failed", fence, reason: input.reason });
      endStopped(draft, under);
      if (!input.retry)
        for (const { path } of [...waitingIn(draft.state, scope)]) fail(draft, path, input.reason);
      return wakeScope(draft, scope);
    }
    case "lease.lost":
      for (const step of under) {
        const goneAt = input.isRevoked ? NEVER : input.mayRun ? goneBy(step, draft.moment.now) : 0;
        settleAttempt(draft, step, { state: "unknown", detail: input.reason }, {}, goneAt);
      }
      draft.emit({ type: "lease.failed", fence, reason: input.reason });
      return wakeScope(draft, scope);
    default:
      input satisfies never;
  }
}

/** What was being stopped when it was taken back has not run and never will. */
function endStopped(draft: Draft, before: readonly StepRecord[]): void {
  for (const { path, stopping } of before) {
    if (stopping) finish(draft, path, { state: stopping.reason, detail: "it was stopped before it began" });
  }
}

function locksChanged(draft: Draft, input: Input<"locks.granted" | "locks.queued">): void {
  const { step: path } = input;
  const locks = path === ROOT ? draft.state.locks : draft.step(path)?.locks;
  if (!locks || locks.status === "granted") return;
  if (input.type === "locks.queued") {
    const { ahead, holder, reason } = input;
    const { queue } = locks;
    const same = queue?.ahead === ahead && queue.holder === holder && queue.reason === reason;
    if (!same) draft.emit({ type: "locks.queued", step: path, ahead, holder, reason });
    return;
  }
  draft.emit({ type: "locks.granted", step: path, fences: input.fences });
  if (path !== ROOT) draft.tasks.push({ do: "begin", step: path });
  else if (draft.state.lists.started === 0) startList(draft, ROOT, 0);
}

function agentConnected(draft: Draft, { fence, attempts }: Input<"agent.connected">): void {
  for (const step of [...stepsUnder(draft.state, fence)]) {
    const { path, attempt, inputs } = step;
    if (step.state === "unreachable") draft.emit({ type: "step.reachable", step: path, attempt });
    const known = attempts.some((each) => each.step === path && each.attempt === attempt);
    if (!known && step.startedAt !== undefined) {
      settleAttempt(draft, step, {
        state: "unknown",
        detail: "its agent came back without any record of it",
      });
      continue;
    }
    // One that is to stop and never began there is not begun for that.
    if (step.stopping) askToStop(draft, step, step.stopping.reason);
    else if (!known) draft.ask({ type: "step.start", step: path, attempt, fence, inputs });
  }
}

/** The step that a report is about, if it is still out: same attempt, same fence (LS2). */
function reportedStep(draft: Draft, key: AttemptKey): StepRecord | undefined {
  const step = draft.step(key.step);
  if (!step || !isOut(step)) return undefined;
  return step.attempt === key.attempt && step.fence === key.fence ? step : undefined;
}

function stepStarted(draft: Draft, input: Input<"step.started">): void {
  const step = reportedStep(draft, input);
  if (!step || step.startedAt !== undefined) return;
  const { attempt, pid, agentTime } = input;
  draft.emit({ type: "step.started", step: step.path, attempt, pid, agentTime });
}

function stepFinished(draft: Draft, input: Input<"step.finished">): void {
  const { outcome, durationMs, streams, leakedOutput, usage } = input;
  const step = reportedStep(draft, input);
  if (!step) return late(draft, input);
  const values = declaredValues(step.block, input.values);
  settleAttempt(draft, step, verdictOf(outcome, step, values), {
    outcome,
    durationMs,
    streams,
    leakedOutput,
    usage,
    values,
  });
}

type Facts = Partial<
  Pick<Input<"step.finished">, "outcome" | "durationMs" | "streams" | "leakedOutput" | "usage" | "values">
>;

const NEVER = Number.POSITIVE_INFINITY;

/**
 * An attempt is over: the step tries again, or has ended.
 * @param goneAt before which there is no other attempt, ms since the epoch: this one may still run (G2);
 *   `NEVER` where none can follow, because its agent is gone for good
 */
export function settleAttempt(
  draft: Draft,
  step: StepRecord,
  judged: Verdict,
  told: Facts = {},
  goneAt = 0,
): void {
  const noRoom = noRoomFor(draft.state, told.values);
  const { values: _, ...rest } = told;
  const facts = noRoom === undefined ? told : rest;
  const fails = noRoom !== undefined && judged.state === "succeeded";
  const { state, detail }: Verdict = fails ? { state: "failed", detail: noRoom } : judged;
  const at = haltOf(draft.state, step.path) ? undefined : retryAt(step, state, facts.outcome, draft.moment);
  if (at !== undefined && goneAt === NEVER) {
    const why = `${detail}; it is not tried again, which only that agent could do`;
    return finish(draft, step.path, { state, detail: why, ...facts });
  }
  if (at !== undefined && (state === "failed" || state === "timed_out" || state === "unknown")) {
    const { path, attempt } = step;
    return draft.emit({
      type: "attempt.failed",
      step: path,
      attempt,
      state,
      outcome: facts.outcome,
      detail,
      retryAt: Math.max(at, goneAt),
    });
  }
  finish(draft, step.path, { state, detail, ...facts });
}

/** Keeps a report that no longer counts, once; a repeat of one that did count is no news (G16). */
function late(draft: Draft, input: Input<"step.finished">): void {
  const step = draft.step(input.step);
  const counted = step?.outcome !== undefined && step.attempt === input.attempt && step.fence === input.fence;
  if (!step || counted || draft.state.late.includes(lateKey(input))) return;
  if (input.attempt < step.attempt) return;
  const { attempt, fence, outcome } = input;
  draft.emit({ type: "step.late", step: input.step, attempt, fence, outcome });
}

function edgeFinished(
  draft: Draft,
  { step: path, attempt, outcome, durationMs, values }: Input<"edge.finished">,
): void {
  const step = draft.step(path);
  if (!step || !isOut(step) || step.fence !== undefined || step.attempt !== attempt) return;
  settleAttempt(draft, step, verdictOf(outcome, step, values), { outcome, durationMs, values });
}

function childChanged(draft: Draft, input: Input<"child.started" | "child.finished">): void {
  const step = draft.step(input.step);
  if (!step || !isOut(step) || step.executionId !== input.executionId) return;
  if (input.type === "child.started") {
    const { path, attempt } = step;
    if (step.startedAt === undefined) draft.emit({ type: "step.started", step: path, attempt });
    return;
  }
  const reason = step.stopping?.reason;
  const state = input.state === "canceled" && !reason ? "failed" : input.state;
  const detail =
    input.detail ?? (input.state === "canceled" ? "the execution it started was canceled" : undefined);
  settleAttempt(
    draft,
    step,
    { state: reason && state !== "succeeded" ? reason : state, detail },
    {} satisfies Facts,
  );
}
