import type { Secret } from "#protocol/api/secrets.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { mapConcurrently } from "../../http/concurrency.ts";
import { callObject, poolOf } from "../../objects.ts";

/** Agents of an organization whose secrets are listed; those beyond are left out. */
const AGENTS_MAX = 1_000;

/** What the organization's agents have said that they hold, by name. */
export async function listSecrets(env: Env, organizationId: string): Promise<Secret[]> {
  const rows = await tenantDb(env.DB, organizationId).agents.list(undefined, AGENTS_MAX);
  const agents = rows.filter(({ revokedAt }) => !revokedAt);
  const poolIds = [...new Set(agents.map(({ poolId }) => poolId))];
  const told = await mapConcurrently(poolIds, (poolId) =>
    callObject(poolOf(env, organizationId, poolId), (pool) => pool.secrets()),
  );
  const byAgent = new Map(told.flatMap((each) => Object.entries(each)));
  const secrets = new Map<string, Secret>();
  for (const { id, name: agentName, poolName } of agents) {
    for (const { name, type } of byAgent.get(id) ?? []) {
      const secret = secrets.get(name) ?? { name, types: [], agents: [] };
      secrets.set(name, secret);
      if (!secret.types.includes(type)) secret.types.push(type);
      secret.agents.push({ id, name: agentName, poolName, type });
    }
  }
  return [...secrets.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}
