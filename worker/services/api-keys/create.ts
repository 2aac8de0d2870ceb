import type { Scope } from "#protocol/actor.ts";
import type { ApiKeyCreated } from "#protocol/api/keys.ts";
import { newId } from "#protocol/ids.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { type Caller, requireScope } from "../../identity/caller.ts";
import { mintSecret } from "../../identity/secrets.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Makes an API key that may do no more than its maker.
 * @throws ApiError `insufficient_scope` for a scope that the caller does not have
 */
export async function createApiKey(
  env: Env,
  caller: Caller,
  { name, scopes, expiresInDays }: { name: string; scopes: Scope[]; expiresInDays?: number | undefined },
): Promise<ApiKeyCreated> {
  for (const scope of scopes) requireScope(caller, scope);
  const { secret, hash, hint } = await mintSecret("apiKey");
  const createdAt = new Date();
  const expiresAt =
    expiresInDays === undefined ? undefined : new Date(createdAt.getTime() + expiresInDays * DAY_MS);
  const key = {
    id: newId("apiKey"),
    name,
    hint,
    hash,
    scopes: [...new Set(scopes)],
    userId: caller.userId,
    createdBy: caller.actor,
    createdAt,
    expiresAt,
  };
  await tenantDb(env.DB, caller.organization.id).apiKeys.create(key);
  return {
    id: key.id,
    name,
    hint,
    scopes: key.scopes,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString(),
    key: secret,
  };
}
