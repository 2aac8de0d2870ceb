import { identityDb } from "../../db/identity.ts";
import type { Env } from "../../env.ts";
import type { ApiError } from "../../errors.ts";
import { quarantined } from "../../identity/agent.ts";
import { agentNotification, notify } from "../../notifications/notify.ts";
import { callObject, feedOf } from "../../objects.ts";
import type { AgentIdentity } from "../../pool/contract.ts";

/**
 * Notes that a pool has found two machines with one agent's key (HS5), and
 * tells the organization, once. Safe to repeat: while it is not noted the pool
 * refuses each of them all the same.
 * @returns what to answer the one that was found
 */
export async function quarantineAgent(env: Env, agent: AgentIdentity): Promise<ApiError> {
  const { agentId, name, organizationId, poolId } = agent;
  const now = new Date();
  if (await identityDb(env.DB).quarantineAgent(agentId, now)) {
    const facts = { id: agentId, name, poolId };
    const words = "Two machines connected with its key.";
    await Promise.all([
      callObject(feedOf(env, organizationId), (feed) =>
        feed.publish({ type: "agent.quarantined", agentId, name }),
      ),
      notify(env, organizationId, agentNotification(env, "agent.quarantined", facts, now, words)),
    ]);
  }
  return quarantined();
}
