import type { Agent } from "#protocol/api/pools.ts";
import type { AgentRecord } from "../../db/repositories/agents.ts";
import type { Env } from "../../env.ts";
import { mapConcurrently } from "../../http/concurrency.ts";
import { callObject, poolOf } from "../../objects.ts";

/** Adds to each agent what it is doing now, which only its pool knows. */
export async function withPresence(
  env: Env,
  organizationId: string,
  agents: AgentRecord[],
): Promise<Agent[]> {
  const poolIds = [...new Set(agents.filter((agent) => !agent.revokedAt).map((agent) => agent.poolId))];
  const presences = await mapConcurrently(poolIds, (poolId) =>
    callObject(poolOf(env, organizationId, poolId), (pool) => pool.presence()),
  );
  const byAgent = Object.assign({}, ...presences);
  return agents.map((agent) => ({ ...agent, presence: byAgent[agent.id] }));
}
