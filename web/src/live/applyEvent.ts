/** What one more event means for an execution as the page shows it. Pure; unknown steps are left alone. */
import type { Execution, Step } from "#protocol/api/executions.ts";
import type { ExecutionEvent, RecordedEvent } from "#protocol/events.ts";

export function applyEvent(execution: Execution, { seq, time, event }: RecordedEvent): Execution {
  if (seq <= execution.head) return execution;
  return { ...applied(execution, time, event), head: seq };
}

function applied(execution: Execution, time: string, event: ExecutionEvent): Execution {
  switch (event.type) {
    case "lease.queued":
      return { ...takenBack(execution), queue: { ahead: event.ahead, reason: event.reason } };
    case "lease.granted":
      return withAgent({ ...execution, state: "running", queue: undefined }, event.agentId, event.agentName);
    case "lease.failed":
      return takenBack(execution);
    case "step.dispatched":
      return changeStep(execution, event.step, (step) => ({
        state: "dispatched",
        attempt: event.attempt,
        ...(step.agentName === undefined && lastAgent(execution)),
      }));
    case "step.started":
      return changeStep(execution, event.step, () => ({
        state: "running",
        startedAt: time,
        detail: undefined,
      }));
    case "step.unreachable":
      return changeStep(execution, event.step, () => ({ state: "unreachable", detail: event.reason }));
    case "step.reachable":
      return changeStep(execution, event.step, (step) => ({
        state: step.startedAt ? "running" : "dispatched",
        detail: undefined,
      }));
    case "step.stopping":
      return changeStep(execution, event.step, () => ({ detail: STOPPING[event.reason] }));
    case "step.finished":
      return changeStep(execution, event.step, (step) => ({
        state: event.state,
        attempt: Math.max(step.attempt, event.attempt),
        finishedAt: time,
        durationMs: event.durationMs,
        outcome: event.outcome,
        detail: event.detail,
        streams: event.streams,
        output: event.streams ? { ...step.output, cutBytes: cutBytes(event.streams) } : step.output,
      }));
    case "step.skipped":
      return changeStep(execution, event.step, () => ({
        state: "skipped",
        finishedAt: time,
        detail: event.reason,
      }));
    case "execution.finished":
      return {
        ...execution,
        state: event.state,
        queue: undefined,
        detail: event.detail,
        finishedAt: time,
        durationMs: Math.max(0, Date.parse(time) - Date.parse(execution.createdAt)),
      };
    case "execution.created":
    case "lease.requested":
    case "lease.released":
    case "step.late":
    case "cancel.requested":
      return execution;
    default:
      return event satisfies never;
  }
}

const STOPPING = {
  canceled: "Asked to stop; waiting for the processes to go.",
  timed_out: "Out of time; waiting for the processes to go.",
} as const;

function cutBytes(streams: NonNullable<Step["streams"]>): number {
  return streams.stdout.cutBytes + streams.stderr.cutBytes;
}

function changeStep(execution: Execution, id: string, change: (step: Step) => Partial<Step>): Execution {
  const steps = execution.steps.map((step) => (step.id === id ? { ...step, ...change(step) } : step));
  return { ...execution, steps };
}

/** Later steps go over the lease that earlier ones ran under. */
function lastAgent({ steps }: Execution): Partial<Step> {
  const { agentId, agentName } = steps.findLast((step) => step.agentName !== undefined) ?? {};
  return { agentId, agentName };
}

/** Nothing was started under the lease: the step waits again. */
function takenBack(execution: Execution): Execution {
  const steps = execution.steps.map((step) =>
    step.state === "dispatched" && !step.startedAt ? { ...step, state: "waiting" as const } : step,
  );
  return { ...execution, steps };
}

function withAgent(execution: Execution, agentId: string, agentName: string): Execution {
  const steps = execution.steps.map((step) =>
    step.state === "dispatched" || step.state === "waiting" || step.state === "pending"
      ? { ...step, agentId, agentName }
      : step,
  );
  return { ...execution, steps };
}
