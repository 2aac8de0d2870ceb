import type { Pool } from "#protocol/api/pools.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, poolOf } from "../../objects.ts";

/**
 * Changes a pool's limit, in the database and in the object that keeps to it.
 * @throws ApiError `not_found`
 */
export async function updatePool(
  env: Env,
  caller: Caller,
  poolId: string,
  change: { maxLeases: number | null },
): Promise<Pool> {
  const { pools } = tenantDb(env.DB, caller.organization.id);
  if (!(await pools.update(poolId, change))) throw notFound("pool");
  await callObject(poolOf(env, caller.organization.id, poolId), (pool) => pool.setLimit(change.maxLeases));
  const pool = await pools.get(poolId);
  if (!pool) throw notFound("pool");
  return pool;
}
