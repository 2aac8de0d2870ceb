/** Pools of agents. */
import { and, asc, count, eq, gt, isNull, sql } from "drizzle-orm";
import type { Pool, PoolUpdate } from "#protocol/api/pools.ts";
import { agents, pools } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

export function poolsRepository({ db, organizationId, within }: TenantScope) {
  return {
    /** Null when the organization already has a pool of this name. */
    async create(id: string, name: string, now: Date): Promise<Pool | null> {
      const created = await db
        .insert(pools)
        .values({ organizationId, id, name, createdAt: now })
        .onConflictDoNothing()
        .returning({ id: pools.id });
      return created.length === 0
        ? null
        : { id, name, createdAt: now.toISOString(), agentCount: 0, agentVersion: "latest" };
    },

    /** False when there is no such pool. */
    async update(id: string, { maxLeases, agentVersion }: PoolUpdate): Promise<boolean> {
      const result = await db
        .update(pools)
        .set({ maxLeases, agentVersion })
        .where(within(pools, eq(pools.id, id)));
      return result.meta.changes > 0;
    },

    async get(id: string): Promise<Pool | null> {
      const [row] = await db
        .select({ pool: pools, agentCount: count(agents.id) })
        .from(pools)
        .leftJoin(agents, and(within(agents, eq(agents.poolId, pools.id)), isNull(agents.revokedAt)))
        .where(within(pools, eq(pools.id, id)))
        .groupBy(pools.id)
        .limit(1);
      return row ? toPool(row) : null;
    },

    /** The ids of those of these names that exist. */
    async idsOf(names: readonly string[]): Promise<Record<string, string>> {
      const rows = await db
        .select({ id: pools.id, name: pools.name })
        .from(pools)
        // One bound parameter for all: a statement may have a hundred.
        .where(within(pools, sql`${pools.name} IN (SELECT value FROM json_each(${JSON.stringify(names)}))`));
      return Object.fromEntries(rows.map(({ id, name }) => [name, id]));
    },

    /** By name; at most `limit` after the name given. */
    async list(afterName: string | undefined, limit: number): Promise<Pool[]> {
      const rows = await db
        .select({ pool: pools, agentCount: count(agents.id) })
        .from(pools)
        .leftJoin(agents, and(within(agents, eq(agents.poolId, pools.id)), isNull(agents.revokedAt)))
        .where(within(pools, afterName === undefined ? undefined : gt(pools.name, afterName)))
        .groupBy(pools.id)
        .orderBy(asc(pools.name))
        .limit(limit);
      return rows.map(toPool);
    },
  };
}

function toPool({ pool, agentCount }: { pool: typeof pools.$inferSelect; agentCount: number }): Pool {
  const { id, name, createdAt, maxLeases, agentVersion } = pool;
  return {
    id,
    name,
    createdAt: createdAt.toISOString(),
    agentCount,
    agentVersion: agentVersion ?? "latest",
    ...(maxLeases !== null && { maxLeases }),
  };
}
