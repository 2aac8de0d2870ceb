/** The channel `webhook`: a signed POST to an address that the organization named. */
import { WEBHOOKS_MAX } from "#protocol/limits.ts";
import { subjectOf } from "#protocol/notifications.ts";
import type { SigningWebhook } from "../db/repositories/webhooks.ts";
import { tenantDb } from "../db/tenant.ts";
import { whyNoWebhook } from "../edge/guard.ts";
import { type Env, readSettings } from "../env.ts";
import { unseal } from "../identity/sealed.ts";
import type { Channel, Delivered, Notice } from "./channel.ts";
import { type Posted, post } from "./post.ts";
import { signedHeaders } from "./signature.ts";

/** Says that nothing is to be sent there ever again. */
const GONE = 410;

export const webhook = {
  async recipients(env, { organizationId, event }) {
    const { type } = event;
    if (type === "webhook.test") return [event.data.webhookId];
    const all = await tenantDb(env.DB, organizationId).webhooks.list(undefined, WEBHOOKS_MAX);
    return all.filter(({ enabled, events }) => enabled && events.includes(type)).map(({ id }) => id);
  },

  async deliver(env, notice, webhookId, again) {
    const found = await tenantDb(env.DB, notice.organizationId).webhooks.forDelivery(webhookId, notice.id);
    // Deleted, or this message came twice.
    if (!found || found.delivered) return "done";
    if (found.webhook.enabled) return attempt(env, notice, found, again);
    await webhook.giveUp(env, notice, webhookId);
    return "done";
  },

  async giveUp(env, { organizationId, id }, webhookId) {
    await tenantDb(env.DB, organizationId).webhookDeliveries.giveUp(webhookId, id);
  },
} satisfies Channel;

/** What a webhook's secret is sealed for. */
export function secretPurpose(organizationId: string, webhookId: string): string {
  return `webhook ${organizationId}/${webhookId}`;
}

/** Sends it once, and writes down how that went. @param again when the next attempt is made if this one fails */
export async function attempt(
  env: Env,
  { organizationId, id, event }: Notice,
  signing: SigningWebhook,
  again: Date | undefined,
): Promise<Delivered> {
  const at = new Date();
  const { webhooks, webhookDeliveries } = tenantDb(env.DB, organizationId);
  const webhookId = signing.webhook.id;
  const { ok, status, detail } = await send(env, { organizationId, id, event }, signing, at);
  const isGone = status === GONE;
  if (isGone) await webhooks.disable(webhookId, "It answered 410 Gone: nothing is to be sent there.", at);
  const nextAttemptAt = ok || isGone ? undefined : again;
  await webhookDeliveries.record({
    webhookId,
    notification: { id, type: event.type, subject: subjectOf(event) },
    state: ok ? "delivered" : nextAttemptAt ? "pending" : "failed",
    status,
    detail,
    at,
    nextAttemptAt,
  });
  return ok || isGone ? "done" : "later";
}

/** The address is judged each time: it may have been entered under other settings. */
async function send(
  env: Env,
  { organizationId, id, event }: Notice,
  { webhook, secret, previousSecret, previousSecretUntil }: SigningWebhook,
  at: Date,
): Promise<Posted> {
  const checked = readSettings(env);
  if (!checked.ok) throw new Error(`the settings cannot be read: ${checked.problems.join("; ")}`);
  const { authSecret, webhooksToLoopback } = checked.settings;
  const notSent = (detail: string): Posted => ({ ok: false, status: undefined, detail });
  const why = whyNoWebhook(webhook.url, webhooksToLoopback);
  if (why) return notSent(`Nothing was sent: the address ${why}.`);
  const overlaps = previousSecretUntil !== undefined && previousSecretUntil > at;
  const sealed = [secret, ...(overlaps && previousSecret !== undefined ? [previousSecret] : [])];
  const purpose = secretPurpose(organizationId, webhook.id);
  const opened = await Promise.all(sealed.map((each) => unseal(authSecret, purpose, each)));
  const secrets = opened.filter((each) => each !== undefined);
  if (secrets.length === 0) {
    return notSent(
      "Nothing was sent: its secret cannot be read since the control plane has another AUTH_SECRET. Rotate it.",
    );
  }
  const body = JSON.stringify(event);
  const headers = {
    "content-type": "application/json",
    "user-agent": "Farhand-Webhooks",
    ...(await signedHeaders(secrets, id, body, at)),
  };
  return post(webhook.url, headers, body);
}
