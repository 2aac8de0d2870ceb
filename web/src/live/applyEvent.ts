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
      return { ...takenBack(execution, event.fence), queue: { ahead: event.ahead, reason: event.reason } };
    case "lease.granted":
      return granted(execution, event.fence, { id: event.agentId, name: event.agentName });
    case "lease.failed":
      return takenBack(execution, event.fence);
    case "lease.requested":
    case "lease.released":
      return { ...execution, queue: undefined, agent: undefined };
    case "step.dispatched":
      return changeStep(execution, event.step, () => ({
        state: "dispatched",
        attempt: event.attempt,
        fence: event.fence,
        ...stepAgent(execution.agent),
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
    case "step.finished":
      return changeStep(execution, event.step, (step) => ({
        state: event.state,
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
        canceling: false,
        confirmed: event.confirmed,
        detail: event.detail,
        finishedAt: time,
        durationMs: Math.max(0, Date.parse(time) - Date.parse(execution.createdAt)),
      };
    case "cancel.requested":
      return { ...execution, canceling: true };
    case "execution.created":
    case "step.stopping":
    case "step.late":
      return execution;
    default:
      return event satisfies never;
  }
}

function cutBytes(streams: NonNullable<Step["streams"]>): number {
  return streams.stdout.cutBytes + streams.stderr.cutBytes;
}

function changeStep(execution: Execution, id: string, change: (step: Step) => Partial<Step>): Execution {
  const steps = execution.steps.map((step) => (step.id === id ? { ...step, ...change(step) } : step));
  return { ...execution, steps };
}

/** Nothing was started under the lease: the step that was out waits again. */
function takenBack(execution: Execution, fence: number): Execution {
  const steps = execution.steps.map((step) =>
    step.fence === fence && isOut(step) && !step.startedAt
      ? { ...step, ...NOT_DISPATCHED, state: "waiting" as const }
      : step,
  );
  return { ...execution, steps, queue: undefined, agent: undefined };
}

/** The step that rode on the offer is that agent's; it may even have ended before the grant was heard of. */
function granted(execution: Execution, fence: number, agent: Execution["agent"]): Execution {
  const steps = execution.steps.map((step) =>
    step.fence === fence ? { ...step, ...stepAgent(agent) } : step,
  );
  return { ...execution, steps, state: "running", queue: undefined, agent };
}

const NOT_DISPATCHED = { fence: undefined, detail: undefined, ...stepAgent(undefined) };

function stepAgent(agent: Execution["agent"]): Pick<Step, "agentId" | "agentName"> {
  return { agentId: agent?.id, agentName: agent?.name };
}

function isOut({ state }: Step): boolean {
  return state === "dispatched" || state === "unreachable";
}
