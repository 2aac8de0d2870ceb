import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";

/** Takes a token back: nobody joins with it from now on. Safe to repeat. @throws ApiError `not_found` */
export async function removeJoinToken(env: Env, caller: Caller, id: string): Promise<void> {
  const found = await tenantDb(env.DB, caller.organization.id).joinTokens.revoke(id, new Date());
  if (!found) throw notFound("join token");
}
