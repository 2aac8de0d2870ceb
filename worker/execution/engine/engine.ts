/**
 * The engine: what an execution does next, given what just happened. Pure: the
 * same state, input and moment always give the same decision, so it is tested
 * by simulation and trusted by the coordinator, which stores the events before
 * it carries out the effects.
 */

import { EVENT_SCHEMA, type ExecutionEvent } from "#protocol/events.ts";
import { CANCEL_GRACE_MS } from "#protocol/limits.ts";
import type { Plan } from "#protocol/plan.ts";
import { isStepTerminal, type TerminalStepState } from "#protocol/states.ts";
import { advance, finish } from "./advance.ts";
import { type Deadline, deadlineOf } from "./deadlines.ts";
import { Draft } from "./draft.ts";
import { fold } from "./fold.ts";
import type { AttemptKey, Decision, EngineInput, Moment, Origin } from "./inputs.ts";
import type { EngineState } from "./state.ts";
import { activeStep, currentLease, isLeaseOpen, lateKey, type StepRecord } from "./state.ts";

/** The first decision of an execution. */
export function create(plan: Plan, origin: Origin, moment: Moment): Decision {
  const created: ExecutionEvent = { type: "execution.created", schema: EVENT_SCHEMA, ...origin };
  const draft = new Draft(fold(plan, [{ time: moment.now, event: created }]), moment);
  advance(draft);
  const decision = draft.decision();
  return { ...decision, events: [created, ...decision.events] };
}

/** Every later decision. An input that changes nothing gives no events. */
export function engine(state: EngineState, input: EngineInput, moment: Moment): Decision {
  const draft = new Draft(state, moment);
  handle(draft, input);
  return draft.decision();
}

function handle(draft: Draft, input: EngineInput): void {
  switch (input.type) {
    case "cancel":
      return cancel(draft, input);
    case "lease.granted":
    case "lease.queued":
    case "lease.failed":
    case "lease.lost":
      return leaseChanged(draft, input);
    case "agent.connected":
      return agentConnected(draft, input);
    case "agent.disconnected":
      return agentDisconnected(draft, input);
    case "step.started":
      return stepStarted(draft, input);
    case "step.finished":
      return stepFinished(draft, input);
    case "tick":
      return tick(draft);
    default:
      return input satisfies never;
  }
}

type Input<Type extends EngineInput["type"]> = Extract<EngineInput, { type: Type }>;

function cancel(draft: Draft, { actor, reason }: Input<"cancel">): void {
  if (draft.state.end || draft.state.cancel) return;
  draft.emit({ type: "cancel.requested", actor, reason });
  const step = activeStep(draft.state);
  if (step) stop(draft, step, "canceled");
  else advance(draft);
}

function stop(draft: Draft, step: StepRecord, reason: "canceled" | "timed_out"): void {
  if (step.stopping) return;
  draft.emit({ type: "step.stopping", step: step.path, attempt: step.attempt, reason });
  askToStop(draft, step, reason);
}

function askToStop(draft: Draft, step: StepRecord, reason: "canceled" | "timed_out"): void {
  const fence = step.fence ?? 0;
  draft.ask({ type: "step.cancel", step: step.path, attempt: step.attempt, fence, reason });
}

function leaseChanged(
  draft: Draft,
  input: Input<"lease.granted" | "lease.queued" | "lease.failed" | "lease.lost">,
): void {
  const lease = currentLease(draft.state);
  if (!isLeaseOpen(lease) || lease.fence !== input.fence) return;
  const step = activeStep(draft.state);
  switch (input.type) {
    case "lease.granted":
      if (lease.status === "granted") return;
      draft.emit({
        type: "lease.granted",
        fence: lease.fence,
        agentId: input.agentId,
        agentName: input.agentName,
      });
      return advance(draft);
    case "lease.queued":
      if (lease.status !== "requested") return;
      draft.emit({ type: "lease.queued", fence: lease.fence, ahead: input.ahead, reason: input.reason });
      return draft.state.cancel ? advance(draft) : undefined;
    case "lease.failed":
      if (step?.startedAt !== undefined) return;
      draft.emit({ type: "lease.failed", fence: lease.fence, reason: input.reason });
      if (!input.retry && step) end(draft, step, "failed", input.reason);
      return advance(draft);
    case "lease.lost":
      if (step) end(draft, step, "unknown", input.reason);
      draft.emit({ type: "lease.failed", fence: lease.fence, reason: input.reason });
      return advance(draft);
    default:
      return input satisfies never;
  }
}

/** Ends a step about which no agent has reported. */
function end(draft: Draft, step: StepRecord, state: TerminalStepState, detail: string): void {
  draft.emit({ type: "step.finished", step: step.path, attempt: Math.max(step.attempt, 1), state, detail });
}

function agentConnected(draft: Draft, { fence, attempts }: Input<"agent.connected">): void {
  const step = activeStep(draft.state);
  if (!step || step.fence !== fence) return;
  if (step.state === "unreachable") {
    draft.emit({ type: "step.reachable", step: step.path, attempt: step.attempt });
  }
  const known = attempts.some((each) => each.step === step.path && each.attempt === step.attempt);
  if (!known && step.startedAt !== undefined) {
    end(draft, step, "unknown", "its agent came back without any record of it");
    return advance(draft);
  }
  if (!known) draft.ask({ type: "step.start", step: step.path, attempt: step.attempt, fence });
  if (step.stopping) askToStop(draft, step, step.stopping.reason);
}

function agentDisconnected(draft: Draft, { fence, reason }: Input<"agent.disconnected">): void {
  const step = activeStep(draft.state);
  if (!step || step.fence !== fence || step.state === "unreachable") return;
  draft.emit({ type: "step.unreachable", step: step.path, attempt: step.attempt, reason });
}

/** The active step, if it is the one the report is about: same attempt, same fence (LS2). */
function reported(draft: Draft, key: AttemptKey): StepRecord | undefined {
  const step = activeStep(draft.state);
  const same = step?.path === key.step && step.attempt === key.attempt && step.fence === key.fence;
  return same ? step : undefined;
}

function stepStarted(draft: Draft, input: Input<"step.started">): void {
  const step = reported(draft, input);
  if (!step || step.startedAt !== undefined) return;
  const { attempt, pid, agentTime } = input;
  draft.emit({ type: "step.started", step: step.path, attempt, pid, agentTime });
}

function stepFinished(draft: Draft, input: Input<"step.finished">): void {
  const { outcome, durationMs, streams, leakedOutput } = input;
  const step = reported(draft, input);
  if (!step) return late(draft, input);
  draft.emit({
    type: "step.finished",
    step: step.path,
    attempt: step.attempt,
    ...verdict(input.outcome),
    outcome,
    durationMs,
    streams,
    leakedOutput,
  });
  advance(draft);
}

/** Keeps a report that no longer counts, once; a repeat of one that did count is no news (G16). */
function late(draft: Draft, input: Input<"step.finished">): void {
  const step = draft.state.steps.get(input.step);
  const counted = step?.outcome !== undefined && step.attempt === input.attempt && step.fence === input.fence;
  if (!step || counted || draft.state.late.includes(lateKey(input))) return;
  const { attempt, fence, outcome } = input;
  draft.emit({ type: "step.late", step: input.step, attempt, fence, outcome });
}

function verdict(outcome: Input<"step.finished">["outcome"]): { state: TerminalStepState; detail?: string } {
  switch (outcome.type) {
    case "exited":
      return outcome.exitCode === 0
        ? { state: "succeeded" }
        : { state: "failed", detail: `exit code ${outcome.exitCode}` };
    case "signaled":
      return { state: "failed", detail: `killed by ${outcome.signal}` };
    case "stopped":
      if (outcome.reason === "disconnected") {
        return {
          state: "failed",
          detail: "its agent lost the connection and stopped it, as the block demands",
        };
      }
      if (outcome.reason === "agent_stopped") {
        return { state: "failed", detail: "its agent was shut down and stopped it" };
      }
      return outcome.confirmed
        ? { state: outcome.reason }
        : { state: outcome.reason, detail: "some of its processes may still run" };
    case "refused":
      return { state: "failed", detail: outcome.detail };
    case "unknown":
      return { state: "unknown", detail: outcome.detail };
    default:
      return outcome satisfies never;
  }
}

function tick(draft: Draft): void {
  const deadline = deadlineOf(draft.state);
  if (deadline && deadline.at <= draft.moment.now) passed(draft, deadline);
}

function passed(draft: Draft, deadline: Deadline): void {
  switch (deadline.type) {
    case "queue":
      // A request that the pool never answered may have been offered: then its step's fate is unknown.
      for (const step of draft.state.steps.values()) {
        if (step.state === "dispatched") end(draft, step, "unknown", "the pool did not answer in time");
      }
      return finish(draft, { state: "timed_out", detail: "no agent became free in time" });
    case "contact":
      return draft.emit({
        type: "step.unreachable",
        step: deadline.step.path,
        attempt: deadline.step.attempt,
        reason: "its agent took the step and has not reported since",
      });
    case "timeout":
      return stop(draft, deadline.step, "timed_out");
    case "confirm": {
      const seconds = Math.round(CANCEL_GRACE_MS / 1000);
      const reason = deadline.step.stopping?.reason ?? "canceled";
      end(
        draft,
        deadline.step,
        reason,
        `not confirmed: its agent did not report the end ${seconds} s after the stop`,
      );
      return advance(draft);
    }
    case "lost":
      end(draft, deadline.step, "unknown", "its agent stayed away past the step's time limit");
      return advance(draft);
    default:
      return deadline satisfies never;
  }
}

/** True when the coordinator needs nothing more from the agent for this attempt. */
export function isRecorded(state: EngineState, key: AttemptKey): boolean {
  const step = state.steps.get(key.step);
  if (!step || state.late.includes(lateKey(key))) return true;
  const same = step.attempt === key.attempt && step.fence === key.fence;
  return same && isStepTerminal(step.state) && step.outcome !== undefined;
}
