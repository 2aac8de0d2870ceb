import type { WebhookDelivery } from "#protocol/api/webhooks.ts";
import type { Notification } from "#protocol/notifications.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { notificationId } from "../../notifications/notify.ts";
import { attempt } from "../../notifications/webhook.ts";

/**
 * Sends a test at once, a single time, also to a webhook that is disabled, and says how that went.
 * @throws ApiError `not_found`
 */
export async function testWebhook(env: Env, caller: Caller, webhookId: string): Promise<WebhookDelivery> {
  const organizationId = caller.organization.id;
  const { webhooks, webhookDeliveries } = tenantDb(env.DB, organizationId);
  const timestamp = new Date().toISOString();
  const event: Notification = { type: "webhook.test", timestamp, data: { webhookId } };
  const id = await notificationId(organizationId, event);
  const found = await webhooks.forDelivery(webhookId, id);
  if (!found) throw notFound("webhook");
  await attempt(env, { organizationId, id, event }, found, undefined);
  const delivery = await webhookDeliveries.get(webhookId, id);
  // Deleted meanwhile.
  if (!delivery) throw notFound("webhook");
  return delivery;
}
