/** Why nobody takes a step that is for an agent: where it stands in the queue, and what it says in the end. */
import type { QueuePlace } from "#protocol/api/executions.ts";
import { type Declined, declinedWords } from "./declines.ts";
import { scopeOf } from "./scopes.ts";
import type { EngineState, LeaseRecord, StepRecord } from "./state.ts";
import type { Verdict } from "./verdict.ts";

/** Its place in the pool's queue, as the pool said when it was asked; undefined when it is in none. */
export function queueOf(state: EngineState, lease: LeaseRecord): QueuePlace | undefined {
  if (lease.status !== "queued" || !lease.queue) return undefined;
  const { detail = absentWords(state, lease), ...place } = lease.queue;
  return { ...place, poolName: poolNameOf(state, lease.poolId), detail };
}

/**
 * Why a step waits for an agent. Between two requests, because agents declined,
 * it is in no queue: then it says that. Undefined while the pool is asked.
 */
export function queueOfStep(state: EngineState, { path, wait }: StepRecord): QueuePlace | undefined {
  if (wait?.for !== "agent") return undefined;
  const { scope, poolId } = scopeOf(state, path);
  const { fence, declined } = state.scopes.get(scope) ?? {};
  const lease = fence === undefined ? undefined : state.leases.get(fence);
  const place = lease && queueOf(state, lease);
  if (place || wait.askAt === undefined) return place;
  const detail = declined && declinedWords(declined);
  return { ahead: 0, reason: "agents_decline", poolName: poolNameOf(state, poolId), detail };
}

/** Only one agent will do, which the pool does not see and so cannot name. */
function absentWords(state: EngineState, { queue, scope, wantedAgentId }: LeaseRecord): string | undefined {
  if (queue?.reason !== "no_agent_connected" || wantedAgentId === undefined) return undefined;
  return `it is for ${agentNameOf(state, scope, wantedAgentId)} alone, which is not connected`;
}

function agentNameOf({ scopes, steps }: EngineState, scope: string, agentId: string): string {
  const known = scopes.get(scope)?.agent;
  if (known?.id === agentId) return known.name;
  const over = steps.get(scope.slice(0, scope.lastIndexOf("~")))?.over;
  const chosen = over?.type === "agents" ? over.agents.find((agent) => agent.agentId === agentId) : undefined;
  return chosen?.agentName ?? agentId;
}

function poolNameOf({ plan }: EngineState, poolId: string): string | undefined {
  if (plan.target.poolId === poolId) return plan.target.poolName;
  return Object.entries(plan.pools ?? {}).find(([, id]) => id === poolId)?.[0];
}

/** Who declined in a scope's wait that is over then. */
export function declinedIn({ scopes }: EngineState, scope: string, until: number): Declined | undefined {
  const declined = scopes.get(scope)?.declined;
  return declined?.until === until ? declined : undefined;
}

/**
 * What steps of a scope say that no agent took before their wait was over.
 * @param lease the request that was open then
 */
export function noAgentInTime(
  state: EngineState,
  scope: string,
  until: number,
  lease?: LeaseRecord,
): Verdict {
  const declined = declinedIn(state, scope, until);
  const [what, why] = endOfQueue(lease && queueOf(state, lease), declined !== undefined);
  const whys = [why, declined && declinedWords(declined)].filter((words) => words !== undefined);
  return { state: "timed_out", detail: [`no ${what} in time`, whys.join("; ")].filter(Boolean).join(": ") };
}

/** What there was none of, and why. @param isTold that agents declined is said in more detail beside it */
function endOfQueue(queue: QueuePlace | undefined, isTold: boolean): [what: string, why?: string] {
  const found = "agent was found";
  if (!queue) return [found];
  const { reason, detail, poolName } = queue;
  const pool = poolName === undefined ? "its pool" : `the pool "${poolName}"`;
  switch (reason) {
    case "no_agent_connected":
      return [found, detail ?? `none is connected in ${pool}`];
    case "no_agent_matches":
      return [found, detail ?? `none that is connected in ${pool} has its labels`];
    case "agents_drain":
      return [found, detail ?? `all in ${pool} that could take it are draining`];
    case "agents_decline":
      return [found, isTold ? undefined : (detail ?? `whichever is free in ${pool} declines`)];
    case "all_busy":
      return ["agent became free", `all slots of the agents in ${pool} that could take it were busy`];
    case "pool_full":
      return ["place became free", `${pool} did as much at once as it may`];
    case "organization_full":
      return ["place became free", "its organization ran as many executions as it may"];
    default:
      return reason satisfies never;
  }
}
