import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";

/** Deletes a webhook with what is known of its deliveries. @throws ApiError `not_found` */
export async function removeWebhook(env: Env, caller: Caller, id: string): Promise<void> {
  const found = await tenantDb(env.DB, caller.organization.id).webhooks.remove(id);
  if (!found) throw notFound("webhook");
}
