import type { Pool } from "#protocol/api/pools.ts";
import { newId } from "#protocol/ids.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";

/** @throws ApiError `conflict` when the name is taken */
export async function createPool(env: Env, caller: Caller, name: string): Promise<Pool> {
  const pool = await tenantDb(env.DB, caller.organization.id).pools.create(newId("pool"), name, new Date());
  if (!pool) throw new ApiError("conflict", `There already is a pool named "${name}". Choose another name.`);
  return pool;
}
