import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, feedOf } from "../../objects.ts";

/**
 * Ends a key: its next use is refused, and the sockets that it opened end. Safe
 * to repeat, which also finishes a revocation that was cut short.
 * @throws ApiError `not_found`
 */
export async function revokeApiKey(env: Env, caller: Caller, id: string): Promise<void> {
  const organizationId = caller.organization.id;
  const found = await tenantDb(env.DB, organizationId).apiKeys.revoke(id, new Date());
  if (!found) throw notFound("API key");
  await callObject(feedOf(env, organizationId), (feed) => feed.revoke(id));
}
