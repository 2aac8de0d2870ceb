/**
 * How the rest of the worker tells an organization of something: it goes onto a queue, and from there to every
 * channel. Pages that are open hear of things over the OrganizationFeed instead.
 */
import { deriveId } from "#protocol/ids.ts";
import { type Notification, subjectOf } from "#protocol/notifications.ts";
import type { Env } from "../env.ts";
import type { Message } from "./consume.ts";

/** The same for what happened once, however often it is told. */
export function notificationId(organizationId: string, event: Notification): Promise<string> {
  return deriveId("notification", organizationId, event.type, subjectOf(event), event.timestamp);
}

/**
 * Tells the organization. Safe to repeat, as long as `timestamp` is when it
 * happened and not when it is told.
 * @throws Error when the queue did not take it
 */
export async function notify(env: Env, organizationId: string, event: Notification): Promise<void> {
  const id = await notificationId(organizationId, event);
  await env.NOTIFICATIONS.send({ type: "event", organizationId, id, event } satisfies Message);
}

/** What is told of an agent. @param detail why, in words */
export function agentNotification(
  env: Env,
  type: "agent.quarantined" | "agent.revoked",
  agent: { id: string; name: string; poolId: string },
  at: Date,
  detail: string,
): Notification {
  const { id: agentId, name, poolId } = agent;
  const url = new URL("/agents", env.PUBLIC_URL).href;
  return { type, timestamp: at.toISOString(), data: { agentId, name, poolId, detail, url } };
}
