import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, poolOf } from "../../objects.ts";

/**
 * Lets an agent out of quarantine: whichever machine connects next is believed
 * to be it. If the other is still there, it is found again. Safe to repeat.
 * @throws ApiError `not_found`
 */
export async function releaseAgent(env: Env, caller: Caller, agentId: string): Promise<void> {
  const organizationId = caller.organization.id;
  const agents = tenantDb(env.DB, organizationId).agents;
  const agent = await agents.get(agentId);
  if (!agent) throw notFound("agent");
  // The pool first: else it would put the agent back as soon as it is let in here.
  await callObject(poolOf(env, organizationId, agent.poolId), (pool) => pool.releaseAgent(agentId));
  await agents.release(agentId);
}
