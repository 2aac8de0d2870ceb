import type { Webhook, WebhookUpdate } from "#protocol/api/webhooks.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env, Settings } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { requireAddress } from "./address.ts";

/** @throws ApiError `not_found`, `invalid_request` for an address out of reach */
export async function updateWebhook(
  env: Env,
  settings: Settings,
  caller: Caller,
  id: string,
  change: WebhookUpdate,
): Promise<Webhook> {
  if (change.url !== undefined) requireAddress(settings, change.url);
  const { webhooks } = tenantDb(env.DB, caller.organization.id);
  const webhook = await webhooks.update(id, change, new Date());
  if (!webhook) throw notFound("webhook");
  return webhook;
}
