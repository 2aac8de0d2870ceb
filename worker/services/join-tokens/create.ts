import type { JoinTokenCreated } from "#protocol/api/pools.ts";
import { newId } from "#protocol/ids.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { mintSecret } from "../../identity/secrets.ts";

/** Makes a token that one agent can enrol with. @throws ApiError `no_such_pool` */
export async function createJoinToken(
  env: Env,
  caller: Caller,
  { poolId, expiresInSeconds }: { poolId: string; expiresInSeconds: number },
): Promise<JoinTokenCreated> {
  const { secret, hash } = await mintSecret("joinToken");
  const createdAt = new Date();
  const expiresAt = new Date(createdAt.getTime() + expiresInSeconds * 1000);
  const token = { id: newId("joinToken"), poolId, hash, createdBy: caller.actor, createdAt, expiresAt };
  if (!(await tenantDb(env.DB, caller.organization.id).joinTokens.create(token))) {
    throw new ApiError("no_such_pool", "There is no pool with this id.");
  }
  return {
    id: token.id,
    poolId,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    token: secret,
  };
}
