import type { WebhookCreate, WebhookWithSecret } from "#protocol/api/webhooks.ts";
import { newId } from "#protocol/ids.ts";
import { WEBHOOKS_MAX } from "#protocol/limits.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env, Settings } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { seal } from "../../identity/sealed.ts";
import { newWebhookSecret } from "../../notifications/signature.ts";
import { secretPurpose } from "../../notifications/webhook.ts";
import { requireAddress } from "./address.ts";

/**
 * Makes a webhook with a secret of its own, which is told this once.
 * @throws ApiError `invalid_request` for an address out of reach, `conflict` when there are as many as there may be
 */
export async function createWebhook(
  env: Env,
  settings: Settings,
  caller: Caller,
  { name, url, events }: WebhookCreate,
): Promise<WebhookWithSecret> {
  requireAddress(settings, url);
  const organizationId = caller.organization.id;
  const id = newId("webhook");
  const secret = newWebhookSecret();
  const sealed = await seal(settings.authSecret, secretPurpose(organizationId, id), secret);
  const webhook = await tenantDb(env.DB, organizationId).webhooks.create(
    { id, name, url, events, secret: sealed, createdBy: caller.actor, createdAt: new Date() },
    WEBHOOKS_MAX,
  );
  if (webhook) return { ...webhook, secret };
  const detail = `An organization may have ${WEBHOOKS_MAX} webhooks. Delete one that is not needed.`;
  throw new ApiError("conflict", detail);
}
