import type { Pool, PoolUpdate } from "#protocol/api/pools.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, poolOf } from "../../objects.ts";
import { isOffered } from "../../releases.ts";

/**
 * Changes a pool's limit or the version of its agents, in the database and in the object that keeps to it.
 * @throws ApiError `not_found`; `invalid_request` for a version that is not offered here
 */
export async function updatePool(
  env: Env,
  caller: Caller,
  poolId: string,
  change: PoolUpdate,
): Promise<Pool> {
  const { maxLeases, agentVersion } = change;
  const isCertain = agentVersion !== undefined && agentVersion !== "latest" && agentVersion !== "any";
  if (isCertain && !(await isOffered(env.RELEASES, agentVersion))) {
    throw new ApiError("invalid_request", `There is no release ${agentVersion} here.`);
  }
  const { pools } = tenantDb(env.DB, caller.organization.id);
  if (!(await pools.update(poolId, change))) throw notFound("pool");
  await callObject(poolOf(env, caller.organization.id, poolId), (pool) =>
    pool.configure({ maxLeases, agentVersion }),
  );
  const pool = await pools.get(poolId);
  if (!pool) throw notFound("pool");
  return pool;
}
