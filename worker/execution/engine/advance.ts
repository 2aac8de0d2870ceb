/** What comes next: begins steps until one is out with an agent, or everything is done. */
import type { TerminalExecutionState } from "#protocol/states.ts";
import { isStepTerminal } from "#protocol/states.ts";
import { beginBlock } from "../../blocks/index.ts";
import type { Draft } from "./draft.ts";
import { activeStep, currentLease, isLeaseOpen, type StepRecord } from "./state.ts";

/** After so many grants that came to nothing the execution fails instead of asking for ever. */
const LEASE_TRIES_MAX = 20;

export function advance(draft: Draft): void {
  for (;;) {
    if (draft.state.end || activeStep(draft.state)) return;
    const ending = endingOf(draft);
    if (ending) return finish(draft, ending);
    const step = nextStep(draft);
    if (!step) return finish(draft, { state: "succeeded" });
    if (!begin(draft, step)) return;
  }
}

interface Ending {
  state: TerminalExecutionState;
  detail?: string;
}

/** Ends the execution: whatever has not begun is skipped, the agent is let go. */
export function finish(draft: Draft, ending: Ending): void {
  const reason =
    ending.state === "canceled" ? "the execution was canceled" : "an earlier step did not succeed";
  for (const step of draft.state.steps.values()) {
    if (!isStepTerminal(step.state)) draft.emit({ type: "step.skipped", step: step.path, reason });
  }
  const confirmed = [...draft.state.steps.values()].every(isConfirmed);
  releaseLease(draft, confirmed ? "finished" : "abandoned");
  draft.emit({ type: "execution.finished", state: ending.state, confirmed, detail: ending.detail });
  draft.ask({ type: "project" });
}

function releaseLease(draft: Draft, reason: "finished" | "abandoned"): void {
  const lease = currentLease(draft.state);
  if (!isLeaseOpen(lease)) return;
  draft.emit({ type: "lease.released", fence: lease.fence });
  draft.ask({ type: "lease.release", leaseId: lease.id, fence: lease.fence, reason });
}

/** False for a step of which nobody can say that its processes are gone. */
function isConfirmed(step: StepRecord): boolean {
  if (step.outcome?.type === "stopped") return step.outcome.confirmed;
  if (step.outcome) return step.outcome.type !== "unknown";
  return step.state === "succeeded" || step.state === "skipped" || step.state === "failed";
}

function endingOf(draft: Draft): Ending | undefined {
  if (draft.state.cancel) return { state: "canceled", detail: draft.state.cancel.reason || undefined };
  for (const step of draft.state.steps.values()) {
    if (step.state === "failed" || step.state === "unknown" || step.state === "canceled") {
      return { state: "failed", detail: `step "${step.path}": ${step.detail ?? step.state}` };
    }
    if (step.state === "timed_out") {
      return { state: "timed_out", detail: `step "${step.path}": ${step.detail ?? "ran out of time"}` };
    }
  }
  return undefined;
}

function nextStep(draft: Draft): StepRecord | undefined {
  for (const step of draft.state.steps.values()) if (!isStepTerminal(step.state)) return step;
  return undefined;
}

/** Begins one step. True when it is already done and the next may begin. */
function begin(draft: Draft, step: StepRecord): boolean {
  const beginning = beginBlock(step.block);
  switch (beginning.type) {
    case "complete":
      draft.emit({ type: "step.finished", step: step.path, attempt: 1, state: "succeeded" });
      return true;
    case "dispatch":
      dispatch(draft, step);
      return false;
    default:
      return beginning satisfies never;
  }
}

/**
 * Sends a step to the agent at hand, or asks the pool for one: then the step
 * counts as dispatched from the moment of asking, because it rides on the
 * offer and may be running before any answer comes back.
 */
function dispatch(draft: Draft, step: StepRecord): void {
  const newest = currentLease(draft.state);
  const lease = isLeaseOpen(newest) ? newest : undefined;
  const attempt = Math.max(step.attempt, 1);
  if (!lease) {
    const fence = draft.state.leases.length + 1;
    if (fence > LEASE_TRIES_MAX) {
      return finish(draft, { state: "failed", detail: `no agent took the work in ${LEASE_TRIES_MAX} tries` });
    }
    draft.emit({ type: "lease.requested", fence, leaseId: draft.moment.leaseId });
    draft.emit({ type: "step.dispatched", step: step.path, attempt, fence });
    draft.ask({ type: "lease.request", leaseId: draft.moment.leaseId, fence });
  } else if (lease.status === "granted") {
    draft.emit({ type: "step.dispatched", step: step.path, attempt, fence: lease.fence });
    draft.ask({ type: "step.start", step: step.path, attempt, fence: lease.fence });
  }
}
