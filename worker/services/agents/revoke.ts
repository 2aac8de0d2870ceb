import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { agentNotification, notify } from "../../notifications/notify.ts";
import { callObject, poolOf } from "../../objects.ts";

/**
 * Ends an agent: it is refused from now on, its sockets and leases end, and the organization is told.
 * Safe to repeat, which also finishes a revocation that was cut short.
 * @throws ApiError `not_found`
 */
export async function revokeAgent(env: Env, caller: Caller, agentId: string): Promise<void> {
  const organizationId = caller.organization.id;
  const agent = await tenantDb(env.DB, organizationId).agents.revoke(agentId, new Date());
  if (!agent) throw notFound("agent");
  await callObject(poolOf(env, organizationId, agent.poolId), (pool) =>
    pool.disconnectAgent(agentId, "this agent was revoked"),
  );
  const words = `${caller.actor.name} revoked it.`;
  await notify(env, organizationId, agentNotification(env, "agent.revoked", agent, agent.revokedAt, words));
}
