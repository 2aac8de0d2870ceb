import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";

/** Ends a key; its next use is refused. @throws ApiError `not_found` */
export async function revokeApiKey(env: Env, caller: Caller, id: string): Promise<void> {
  const revoked = await tenantDb(env.DB, caller.organization.id).apiKeys.revoke(id, new Date());
  if (!revoked) throw notFound("working API key");
}
