import type { WebhookWithSecret } from "#protocol/api/webhooks.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env, Settings } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { seal } from "../../identity/sealed.ts";
import { newWebhookSecret } from "../../notifications/signature.ts";
import { secretPurpose } from "../../notifications/webhook.ts";

const HOUR_MS = 60 * 60 * 1000;

/**
 * Gives a webhook a new secret, which is told this once. The one until now
 * signs as well for a while; the one before that no more.
 * @throws ApiError `not_found`
 */
export async function rotateWebhookSecret(
  env: Env,
  settings: Settings,
  caller: Caller,
  id: string,
  overlapHours: number,
): Promise<WebhookWithSecret> {
  const organizationId = caller.organization.id;
  const secret = newWebhookSecret();
  const sealed = await seal(settings.authSecret, secretPurpose(organizationId, id), secret);
  const now = new Date();
  const until = new Date(now.getTime() + overlapHours * HOUR_MS);
  const webhook = await tenantDb(env.DB, organizationId).webhooks.rotate(id, sealed, until, now);
  if (!webhook) throw notFound("webhook");
  return { ...webhook, secret };
}
