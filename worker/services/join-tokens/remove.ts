import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";

/** Takes back an unused token. @throws ApiError `not_found`, or `invalid_state` when an agent used it */
export async function removeJoinToken(env: Env, caller: Caller, id: string): Promise<void> {
  const outcome = await tenantDb(env.DB, caller.organization.id).joinTokens.remove(id);
  if (outcome === "not_found") throw notFound("join token");
  if (outcome === "used") {
    throw new ApiError("invalid_state", "An agent has used this token already. Revoke the agent instead.");
  }
}
