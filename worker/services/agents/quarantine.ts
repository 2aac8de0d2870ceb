import { identityDb } from "../../db/identity.ts";
import type { Env } from "../../env.ts";
import { agentNotification, notify } from "../../notifications/notify.ts";
import { callObject, feedOf } from "../../objects.ts";

/** What a pool knows of an agent of which it has found two machines with one key. */
export interface FoundClone {
  agentId: string;
  name: string;
  organizationId: string;
  poolId: string;
  /** Ms since the epoch. */
  foundAt: number;
}

/**
 * Notes that a pool has found two machines with one agent's key (HS5), and
 * tells the organization. Safe to repeat: who has heard of it hears nothing new.
 * While it is not noted the pool refuses each of them all the same.
 * @throws Error when something of it did not arrive; it has to be repeated then
 */
export async function noteQuarantine(env: Env, found: FoundClone): Promise<void> {
  const { agentId, name, organizationId, poolId } = found;
  const at = new Date(found.foundAt);
  await identityDb(env.DB).quarantineAgent(agentId, at);
  const facts = { id: agentId, name, poolId };
  const words = "Two machines connected with its key.";
  await Promise.all([
    callObject(feedOf(env, organizationId), (feed) =>
      feed.publish({ type: "agent.quarantined", agentId, name }),
    ),
    notify(env, organizationId, agentNotification(env, "agent.quarantined", facts, at, words)),
  ]);
}
