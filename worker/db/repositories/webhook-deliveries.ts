/** What webhooks were sent lately: to show, and so that what has arrived is not sent again. */
import { desc, eq, ne, notInArray, sql } from "drizzle-orm";
import type { WebhookDelivery } from "#protocol/api/webhooks.ts";
import { WEBHOOK_DELIVERIES_MAX } from "#protocol/limits.ts";
import { webhookDeliveries } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

/** How one attempt went. */
export interface Attempt {
  webhookId: string;
  notification: Pick<WebhookDelivery, "id" | "type" | "subject">;
  state: WebhookDelivery["state"];
  /** The HTTP status of the answer; undefined when there was none. */
  status: number | undefined;
  detail: string;
  at: Date;
  nextAttemptAt: Date | undefined;
}

export function webhookDeliveriesRepository({ db, organizationId, within }: TenantScope) {
  const of = (webhookId: string) => within(webhookDeliveries, eq(webhookDeliveries.webhookId, webhookId));
  const newest = (webhookId: string) =>
    db
      .select({ id: webhookDeliveries.id })
      .from(webhookDeliveries)
      .where(of(webhookId))
      .orderBy(desc(webhookDeliveries.createdAt), desc(webhookDeliveries.id))
      .limit(WEBHOOK_DELIVERIES_MAX);

  return {
    /**
     * Adds an attempt to a notification's row, and drops the oldest rows of
     * this webhook. What was delivered stays delivered.
     */
    async record({ webhookId, notification, at, ...outcome }: Attempt): Promise<void> {
      const how = {
        state: outcome.state,
        status: outcome.status ?? null,
        detail: outcome.detail,
        lastAttemptAt: at,
        nextAttemptAt: outcome.nextAttemptAt ?? null,
      };
      await db.batch([
        db
          .insert(webhookDeliveries)
          .values({ organizationId, webhookId, ...notification, ...how, attempts: 1, createdAt: at })
          .onConflictDoUpdate({
            target: [webhookDeliveries.organizationId, webhookDeliveries.webhookId, webhookDeliveries.id],
            set: { ...how, attempts: sql`${webhookDeliveries.attempts} + 1` },
            setWhere: ne(webhookDeliveries.state, "delivered"),
          }),
        db
          .delete(webhookDeliveries)
          .where(
            within(
              webhookDeliveries,
              eq(webhookDeliveries.webhookId, webhookId),
              notInArray(webhookDeliveries.id, newest(webhookId)),
            ),
          ),
      ]);
    },

    /** Says of what was not delivered that it will not be tried again. */
    async giveUp(webhookId: string, id: string): Promise<void> {
      await db
        .update(webhookDeliveries)
        .set({ state: "failed", nextAttemptAt: null })
        .where(
          within(
            webhookDeliveries,
            eq(webhookDeliveries.webhookId, webhookId),
            eq(webhookDeliveries.id, id),
            eq(webhookDeliveries.state, "pending"),
          ),
        );
    },

    async get(webhookId: string, id: string): Promise<WebhookDelivery | null> {
      const [row] = await db
        .select()
        .from(webhookDeliveries)
        .where(
          within(webhookDeliveries, eq(webhookDeliveries.webhookId, webhookId), eq(webhookDeliveries.id, id)),
        )
        .limit(1);
      return row ? toDelivery(row) : null;
    },

    /** Newest first, as many as are kept. */
    async list(webhookId: string): Promise<WebhookDelivery[]> {
      const rows = await db
        .select()
        .from(webhookDeliveries)
        .where(of(webhookId))
        .orderBy(desc(webhookDeliveries.createdAt), desc(webhookDeliveries.id))
        .limit(WEBHOOK_DELIVERIES_MAX);
      return rows.map(toDelivery);
    },
  };
}

function toDelivery(row: typeof webhookDeliveries.$inferSelect): WebhookDelivery {
  const { id, type, subject, state, attempts, status, detail, createdAt, lastAttemptAt, nextAttemptAt } = row;
  return {
    id,
    type,
    subject,
    state,
    attempts,
    ...(status !== null && { status }),
    detail,
    createdAt: createdAt.toISOString(),
    lastAttemptAt: lastAttemptAt.toISOString(),
    ...(nextAttemptAt !== null && { nextAttemptAt: nextAttemptAt.toISOString() }),
  };
}
