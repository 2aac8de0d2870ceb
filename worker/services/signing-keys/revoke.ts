import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import { type Caller, requireScope } from "../../identity/caller.ts";

/** Ends a key. Safe to repeat. @throws ApiError `not_found`, or `insufficient_scope` for another's key */
export async function revokeSigningKey(env: Env, caller: Caller, id: string): Promise<void> {
  const { signatures } = tenantDb(env.DB, caller.organization.id);
  const owner = await signatures.ownerOf(id);
  if (owner === null) throw notFound("signing key");
  if (owner !== caller.userId) requireScope(caller, "keys:write");
  await signatures.revokeKey(id, new Date());
}
