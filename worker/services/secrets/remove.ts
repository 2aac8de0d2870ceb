import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import { mapConcurrently } from "../../http/concurrency.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, poolOf } from "../../objects.ts";

/** Pools of an organization that are asked. */
const POOLS_MAX = 1_000;

/**
 * Asks every agent that was sealed this secret to forget it. What hosts have
 * by themselves stays. Safe to repeat.
 * @throws ApiError `not_found` when none was
 */
export async function removeSecret(env: Env, caller: Caller, name: string): Promise<void> {
  const organizationId = caller.organization.id;
  const pools = await tenantDb(env.DB, organizationId).pools.list(undefined, POOLS_MAX);
  const asked = await mapConcurrently(pools, ({ id }) =>
    callObject(poolOf(env, organizationId, id), (pool) => pool.removeSecret(name, caller.actor)),
  );
  if (!asked.includes(true)) throw notFound("sealed secret");
}
