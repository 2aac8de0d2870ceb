import type { JoinTokenCreate, JoinTokenCreated } from "#protocol/api/pools.ts";
import { newId } from "#protocol/ids.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { mintSecret } from "../../identity/secrets.ts";

/** Makes a token that agents can enroll with, in the pool `default` when none is named. @throws ApiError `no_such_pool` */
export async function createJoinToken(
  env: Env,
  caller: Caller,
  wish: JoinTokenCreate,
): Promise<JoinTokenCreated> {
  const db = tenantDb(env.DB, caller.organization.id);
  const poolId = wish.poolId ?? (await db.pools.idsOf(["default"])).default;
  if (poolId === undefined) {
    throw new ApiError("no_such_pool", 'There is no pool called "default": say which with "poolId".');
  }
  const { secret, hash } = await mintSecret("joinToken");
  const createdAt = new Date();
  const expiresAt = new Date(createdAt.getTime() + wish.expiresInSeconds * 1000);
  const { uses, labels } = wish;
  const times = { createdAt, expiresAt };
  const token = { id: newId("joinToken"), poolId, hash, createdBy: caller.actor, ...times, uses, labels };
  if (!(await db.joinTokens.create(token))) {
    throw new ApiError("no_such_pool", "There is no pool with this id.");
  }
  return {
    id: token.id,
    poolId,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    uses,
    usesLeft: uses,
    labels,
    joined: [],
    token: secret,
  };
}
