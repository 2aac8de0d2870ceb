/** Steps and the agents that carry them out: asking for leases, sending steps out, letting agents go. */
import type { StepInputs } from "#protocol/data.ts";
import { inputsOf, lookAtAgent } from "../../blocks/values.ts";
import type { Draft } from "./draft.ts";
import { agentAt, sceneOf } from "./scene.ts";
import { isScopeAlive, type ScopeSpec, scopeOf } from "./scopes.ts";
import {
  type EngineState,
  isLeaseOpen,
  isOut,
  type LeaseRecord,
  noRoomFor,
  openSteps,
  type StepRecord,
  stepsUnder,
} from "./state.ts";
import { fail, finish } from "./steps.ts";
import { declinedIn, noAgentInTime } from "./untaken.ts";

/** An agent is kept through a pause this short; for a longer one it is let go. */
const KEEP_MS = 60_000;

/**
 * Sends a step to the agent of its scope, or asks the pool for one: then the
 * step counts as dispatched from the moment of asking, because it rides on the
 * offer and may be running before any answer comes back. Others of the scope
 * wait until the lease is granted, and so does a step that looks at its agent.
 * @throws ExpressionError when a value of the step has no result
 */
export function sendToAgent(draft: Draft, step: StepRecord, values: Readonly<Record<string, unknown>>): void {
  const { path } = step;
  const spec = scopeOf(draft.state, path);
  const lease = openLeaseOf(draft, spec.scope);
  if (lease && lease.status !== "granted") return waitForAgent(draft, path, lease.until);
  const isKnown =
    lease !== undefined || (spec.agentId !== undefined && agentAt(draft.state, path) !== undefined);
  if (!isKnown && lookAtAgent(values)) return requestLease(draft, step, spec);
  const inputs = inputsOf(values, sceneOf(draft.state, path, draft.moment.now));
  const noRoom = noRoomFor(draft.state, inputs);
  if (noRoom !== undefined) return fail(draft, path, noRoom);
  if (lease) dispatch(draft, step, lease.fence, inputs, true);
  else requestLease(draft, step, spec, { inputs });
}

/** @param askAt when the pool is asked again; undefined while it is */
function waitForAgent(draft: Draft, path: string, until: number, askAt?: number): void {
  draft.emit({ type: "step.waiting", step: path, wait: { for: "agent", until, askAt } });
}

/** @param first what the step has to ride on the offer with; without, it waits for the lease to be granted */
function requestLease(
  draft: Draft,
  step: StepRecord,
  spec: ScopeSpec,
  first?: { inputs: StepInputs | undefined },
): void {
  const { scope, poolId, labels, agentId } = spec;
  const { now } = draft.moment;
  const until = endOfWait(draft, step, spec);
  if (until <= now) return finish(draft, step.path, noAgentInTime(draft.state, scope, until));
  const askAt = declinedIn(draft.state, scope, until)?.askAt ?? now;
  if (askAt > now) return waitForAgent(draft, step.path, until, askAt);
  const fence = draft.state.leases.size + 1;
  const leaseId = draft.moment.newId("lease");
  draft.emit({
    type: "lease.requested",
    fence,
    leaseId,
    scope,
    poolId,
    labels: { ...labels },
    agentId,
    until,
  });
  if (first) dispatch(draft, step, fence, first.inputs, false);
  else waitForAgent(draft, step.path, until);
  draft.ask({ type: "lease.request", leaseId, fence });
}

/** A wait that has begun goes on: neither what became of a request nor a step that joins gives it a new hour. */
function endOfWait({ state, moment }: Draft, step: StepRecord, { scope, waitMs }: ScopeSpec): number {
  if (step.wait?.for === "agent") return step.wait.until;
  // Others can wait without an open lease only between a decline and the next request.
  const [other] = state.scopes.get(scope)?.declined ? waitingIn(state, scope) : [];
  return other && other.until > moment.now ? other.until : moment.now + waitMs;
}

function dispatch(
  draft: Draft,
  step: StepRecord,
  fence: number,
  inputs: StepInputs | undefined,
  send: boolean,
): void {
  const attempt = Math.max(step.attempt, 1);
  draft.emit({ type: "step.dispatched", step: step.path, attempt, fence, inputs });
  if (send) draft.ask({ type: "step.start", step: step.path, attempt, fence, inputs });
}

export function openLeaseOf(draft: Draft, scope: string): LeaseRecord | undefined {
  const fence = draft.state.scopes.get(scope)?.fence;
  const lease = fence === undefined ? undefined : draft.state.leases.get(fence);
  return isLeaseOpen(lease) ? lease : undefined;
}

/** The steps of a scope that wait for its agent have their turn again. */
export function wakeScope(draft: Draft, scope: string): void {
  for (const { path } of waitingIn(draft.state, scope)) draft.tasks.push({ do: "begin", step: path });
}

/** Steps that wait for the agent of a scope, all until the same time. */
export function* waitingIn(state: EngineState, scope: string): Generator<{ path: string; until: number }> {
  for (const { path, wait } of openSteps(state)) {
    if (wait?.for === "agent" && scopeOf(state, path).scope === scope) yield { path, until: wait.until };
  }
}

/** Lets go of every agent that nothing needs now or soon. */
export function releaseIdle(draft: Draft): void {
  if (draft.state.openLeases.size === 0) return;
  const fences = new Set<number>();
  const scopes = new Set<string>();
  let soon = false;
  for (const step of openSteps(draft.state)) {
    if (isOut(step) && step.fence !== undefined) fences.add(step.fence);
    else if (step.wait?.for === "agent") scopes.add(scopeOf(draft.state, step.path).scope);
    else if (isShortWait(step, draft.moment.now)) soon = true;
  }
  for (const fence of draft.state.openLeases) {
    const lease = draft.state.leases.get(fence);
    if (!lease || fences.has(fence) || scopes.has(lease.scope)) continue;
    if (soon && isScopeAlive(draft.state, lease.scope)) continue;
    release(draft, lease, "finished");
  }
}

/** Lets go of an agent that does not answer, unless something of it may still be running there. */
export function letGoOfSilent(draft: Draft, fence: number): void {
  const lease = draft.state.leases.get(fence);
  if (!isLeaseOpen(lease) || stepsUnder(draft.state, fence).next().done === false) return;
  release(draft, lease, "abandoned");
}

export function release(
  draft: Draft,
  lease: LeaseRecord,
  reason: "finished" | "canceled" | "abandoned",
): void {
  draft.emit({ type: "lease.released", fence: lease.fence });
  draft.ask({ type: "lease.release", leaseId: lease.id, fence: lease.fence, reason });
}

function isShortWait(step: StepRecord, now: number): boolean {
  const wait = step.wait;
  const timed =
    wait?.for === "time" || wait?.for === "retry" || wait?.for === "batch" || wait?.for === "targets";
  return timed && wait.until - now <= KEEP_MS;
}
