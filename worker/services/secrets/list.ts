import type { Secret, SecretDelivery } from "#protocol/api/secrets.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { mapConcurrently } from "../../http/concurrency.ts";
import { callObject, poolOf } from "../../objects.ts";
import type { Delivery } from "../../pool/deliveries.ts";

/** Agents of an organization whose secrets are listed; those beyond are left out. */
const AGENTS_MAX = 1_000;

/** What the organization's agents have said that they hold, and what is on its way to them, by name. */
export async function listSecrets(env: Env, organizationId: string): Promise<Secret[]> {
  const rows = await tenantDb(env.DB, organizationId).agents.list(undefined, AGENTS_MAX);
  const agents = rows.filter(({ revokedAt }) => !revokedAt);
  const poolIds = [...new Set(agents.map(({ poolId }) => poolId))];
  const told = await mapConcurrently(poolIds, (poolId) =>
    callObject(poolOf(env, organizationId, poolId), async (pool) => {
      const [held, deliveries] = await Promise.all([pool.secrets(), pool.deliveries()]);
      return { held, deliveries };
    }),
  );
  const held = new Map(told.flatMap((each) => Object.entries(each.held)));
  const deliveries = new Map(told.flatMap((each) => Object.entries(each.deliveries)));
  const secrets = new Map<string, Secret>();
  const secretOf = (name: string): Secret => {
    const secret = secrets.get(name) ?? { name, types: [], agents: [], deliveries: [] };
    secrets.set(name, secret);
    return secret;
  };
  for (const { id, name: agentName, poolName } of agents) {
    for (const { name, type } of held.get(id) ?? []) {
      const secret = secretOf(name);
      if (!secret.types.includes(type)) secret.types.push(type);
      secret.agents.push({ id, name: agentName, poolName, type });
    }
    for (const delivery of deliveries.get(id) ?? []) {
      secretOf(delivery.name).deliveries.push(toldOf({ id, name: agentName, poolName }, delivery));
    }
  }
  return [...secrets.values()].filter(isThere).sort((one, other) => (one.name < other.name ? -1 : 1));
}

function toldOf(
  agent: SecretDelivery["agent"],
  { name: _, at, settledAt, ...delivery }: Delivery,
): SecretDelivery {
  return {
    ...{ agent, ...delivery, at: new Date(at).toISOString() },
    ...(settledAt !== undefined && { settledAt: new Date(settledAt).toISOString() }),
  };
}

/** What everybody has forgotten, as they were asked to, is gone. */
function isThere({ agents, deliveries }: Secret): boolean {
  return agents.length > 0 || deliveries.some(({ action, state }) => action === "put" || state !== "done");
}
