/** Webhooks: where an organization is told of what happens. Their secrets are here sealed. */
import { and, count, desc, eq, lt, sql } from "drizzle-orm";
import type { Actor } from "#protocol/actor.ts";
import type { Webhook, WebhookUpdate } from "#protocol/api/webhooks.ts";
import type { NotificationType } from "#protocol/notifications.ts";
import { webhookDeliveries, webhooks } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

export interface NewWebhook {
  id: string;
  name: string;
  url: string;
  events: NotificationType[];
  /** Sealed. */
  secret: string;
  createdBy: Actor;
  createdAt: Date;
}

/** A webhook with what signs its messages, sealed; the previous secret may be over by now. */
export interface SigningWebhook {
  webhook: Webhook;
  secret: string;
  previousSecret: string | undefined;
  previousSecretUntil: Date | undefined;
}

export function webhooksRepository({ db, organizationId, within }: TenantScope) {
  const one = (id: string) => within(webhooks, eq(webhooks.id, id));
  return {
    /** Null when the organization has as many as it may. */
    async create({ createdBy, createdAt, ...webhook }: NewWebhook, most: number): Promise<Webhook | null> {
      const now = createdAt.getTime();
      const values = {
        organizationId: sql`${organizationId}`.as("organization_id"),
        id: sql`${webhook.id}`.as("id"),
        name: sql`${webhook.name}`.as("name"),
        url: sql`${webhook.url}`.as("url"),
        events: sql`${JSON.stringify(webhook.events)}`.as("events"),
        enabled: sql`1`.as("enabled"),
        disabledReason: sql`NULL`.as("disabled_reason"),
        secret: sql`${webhook.secret}`.as("secret"),
        previousSecret: sql`NULL`.as("previous_secret"),
        previousSecretUntil: sql`NULL`.as("previous_secret_until"),
        createdBy: sql`${JSON.stringify(createdBy)}`.as("created_by"),
        createdAt: sql`${now}`.as("created_at"),
        updatedAt: sql`${now}`.as("updated_at"),
      };
      const own = db
        .select({ rows: count().as("rows") })
        .from(webhooks)
        .where(within(webhooks))
        .as("own");
      const room = db.select(values).from(own).where(lt(own.rows, most));
      const [row] = await db.insert(webhooks).select(room).returning();
      return row ? toWebhook(row) : null;
    },

    /** Newest first; at most `limit` below the id given. */
    async list(beforeId: string | undefined, limit: number): Promise<Webhook[]> {
      const rows = await db
        .select()
        .from(webhooks)
        .where(within(webhooks, beforeId === undefined ? undefined : lt(webhooks.id, beforeId)))
        .orderBy(desc(webhooks.id))
        .limit(limit);
      return rows.map(toWebhook);
    },

    async get(id: string): Promise<Webhook | null> {
      const [row] = await db.select().from(webhooks).where(one(id)).limit(1);
      return row ? toWebhook(row) : null;
    },

    /** With what signs, and whether a notification was delivered to it already; null when there is no such webhook. */
    async forDelivery(
      id: string,
      notificationId: string,
    ): Promise<(SigningWebhook & { delivered: boolean }) | null> {
      const [row] = await db
        .select({ webhook: webhooks, state: webhookDeliveries.state })
        .from(webhooks)
        .leftJoin(
          webhookDeliveries,
          within(
            webhookDeliveries,
            and(eq(webhookDeliveries.webhookId, webhooks.id), eq(webhookDeliveries.id, notificationId)),
          ),
        )
        .where(one(id))
        .limit(1);
      if (!row) return null;
      const { secret, previousSecret, previousSecretUntil } = row.webhook;
      return {
        webhook: toWebhook(row.webhook),
        secret,
        previousSecret: previousSecret ?? undefined,
        previousSecretUntil: previousSecretUntil ?? undefined,
        delivered: row.state === "delivered",
      };
    },

    /** What is left out stays as it is; null when there is no such webhook. */
    async update(id: string, change: WebhookUpdate, now: Date): Promise<Webhook | null> {
      const reason = change.enabled !== undefined && { disabledReason: null };
      const [row] = await db
        .update(webhooks)
        .set({ ...change, ...reason, updatedAt: now })
        .where(one(id))
        .returning();
      return row ? toWebhook(row) : null;
    },

    /** Sends nothing there any more until a person enables it. */
    async disable(id: string, reason: string, now: Date): Promise<void> {
      await db
        .update(webhooks)
        .set({ enabled: false, disabledReason: reason, updatedAt: now })
        .where(within(webhooks, eq(webhooks.id, id), eq(webhooks.enabled, true)));
    },

    /** The secret until now becomes the previous one; null when there is no such webhook. */
    async rotate(id: string, secret: string, until: Date, now: Date): Promise<Webhook | null> {
      const [row] = await db
        .update(webhooks)
        .set({ secret, previousSecret: webhooks.secret, previousSecretUntil: until, updatedAt: now })
        .where(one(id))
        .returning();
      return row ? toWebhook(row) : null;
    },

    /** With its deliveries; false when there is no such webhook. */
    async remove(id: string): Promise<boolean> {
      const result = await db.delete(webhooks).where(one(id));
      return result.meta.changes > 0;
    },
  };
}

function toWebhook(row: typeof webhooks.$inferSelect): Webhook {
  const { id, name, url, events, enabled, disabledReason, previousSecretUntil } = row;
  const overlaps = previousSecretUntil !== null && previousSecretUntil.getTime() > Date.now();
  return {
    id,
    name,
    url,
    events,
    enabled,
    ...(disabledReason !== null && { disabledReason }),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    ...(overlaps && { previousSecretUntil: previousSecretUntil.toISOString() }),
  };
}
