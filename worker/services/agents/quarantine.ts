import { identityDb } from "../../db/identity.ts";
import type { Env } from "../../env.ts";
import type { ApiError } from "../../errors.ts";
import { quarantined } from "../../identity/agent.ts";
import { callObject, feedOf } from "../../objects.ts";
import type { AgentIdentity } from "../../pool/contract.ts";

/**
 * Notes that a pool has found two machines with one agent's key (HS5), and
 * tells the organization, once. Safe to repeat: while it is not noted the pool
 * refuses each of them all the same.
 * @returns what to answer the one that was found
 */
export async function quarantineAgent(env: Env, agent: AgentIdentity): Promise<ApiError> {
  const { agentId, name, organizationId } = agent;
  if (await identityDb(env.DB).quarantineAgent(agentId, new Date())) {
    await callObject(feedOf(env, organizationId), (feed) =>
      feed.publish({ type: "agent.quarantined", agentId, name }),
    );
  }
  return quarantined();
}
