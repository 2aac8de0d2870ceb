/** What events about leases mean for the state, and for the steps and scopes that go with them. */
import type { ExecutionEvent } from "#protocol/events.ts";
import { afterDecline } from "./declines.ts";
import { type EngineState, isLeaseOpen, type LeaseRecord, type ScopeRecord, stepsUnder } from "./state.ts";
import { mutable } from "./table.ts";

type LeaseEvent = Extract<ExecutionEvent, { type: `lease.${string}` }>;

export function applyLease(state: EngineState, time: number, event: LeaseEvent): EngineState {
  const { fence } = event;
  const scope = state.leases.get(fence)?.scope ?? "";
  switch (event.type) {
    case "lease.requested": {
      const { leaseId: id, scope, poolId, labels, agentId: wantedAgentId, until } = event;
      const lease: LeaseRecord = {
        id,
        fence,
        scope,
        poolId,
        labels,
        wantedAgentId,
        until,
        status: "requested",
        requestedAt: time,
      };
      state.leases.set(fence, lease);
      mutable(state.openLeases).add(fence);
      changeScope(state, scope, { fence });
      return state;
    }
    case "lease.queued": {
      const { ahead, reason, detail } = event;
      changeLease(state, fence, { status: "queued", queue: { ahead, reason, detail } });
      return takeBack(state, fence);
    }
    case "lease.granted": {
      const { agentId, agentName, labels } = event;
      changeLease(state, fence, { status: "granted", grantedAt: time, agentId, agentName, queue: undefined });
      changeScope(state, scope, { agent: { id: agentId, name: agentName, labels } });
      return state;
    }
    case "lease.failed": {
      const known = state.scopes.get(scope);
      const lease = state.leases.get(fence);
      // Where nothing has begun, the next grant may be to another agent.
      const forgotten = known?.settled ? {} : { agent: undefined };
      const steps = [...stepsUnder(state, fence)].length;
      const declined = lease && afterDecline(known?.declined, lease, event.reason, steps);
      changeScope(state, scope, { declined, ...forgotten });
      return closeLease(takeBack(state, fence), fence, "failed");
    }
    case "lease.released":
      return closeLease(takeBack(state, fence), fence, "released");
    default:
      return event satisfies never;
  }
}

/** A step has begun under a lease, or may have: its files and processes are with that agent. */
export function settleScope(state: EngineState, path: string): void {
  const fence = state.steps.get(path)?.fence;
  const scope = fence === undefined ? undefined : state.leases.get(fence)?.scope;
  if (scope !== undefined) changeScope(state, scope, { settled: true });
}

function closeLease(state: EngineState, fence: number, status: "failed" | "released"): EngineState {
  const lease = state.leases.get(fence);
  changeLease(state, fence, { status });
  mutable(state.openLeases).delete(fence);
  if (lease && state.scopes.get(lease.scope)?.fence === fence)
    changeScope(state, lease.scope, { fence: undefined });
  return state;
}

/** Nothing was started under this lease: its steps wait again, with the same attempt numbers. */
function takeBack(state: EngineState, fence: number): EngineState {
  const until = state.leases.get(fence)?.until ?? 0;
  for (const path of state.open) {
    const step = state.steps.get(path);
    if (step?.fence !== fence || step.startedAt !== undefined || step.lists) continue;
    if (step.state !== "dispatched" && step.state !== "unreachable") continue;
    state.steps.set(path, {
      ...step,
      state: "waiting",
      wait: { for: "agent", until },
      fence: undefined,
      dispatchedAt: undefined,
      unreachableAt: undefined,
      stopping: undefined,
      detail: undefined,
    });
  }
  return state;
}

function changeLease(state: EngineState, fence: number, change: Partial<LeaseRecord>): void {
  const lease = state.leases.get(fence);
  if (isLeaseOpen(lease)) state.leases.set(fence, { ...lease, ...change });
}

function changeScope(state: EngineState, scope: string, change: Partial<ScopeRecord>): void {
  state.scopes.set(scope, { ...state.scopes.get(scope), ...change });
}
