/** Enrolled agents. Who is connected is not here: their pools know. */
import { asc, eq, gt, isNull, sql } from "drizzle-orm";
import type { Agent } from "#protocol/api/pools.ts";
import { agents, pools } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

/** An agent without what only its pool knows. */
export type AgentRecord = Omit<Agent, "presence" | "sealing" | "hostLabels" | "lastSeenAt">;

export function agentsRepository({ db, within }: TenantScope) {
  const withPool = () =>
    db
      .select({ agent: agents, poolName: pools.name })
      .from(agents)
      .innerJoin(pools, within(pools, eq(pools.id, agents.poolId)));

  return {
    /** Oldest first; at most `limit` after the id given. */
    async list(afterId: string | undefined, limit: number): Promise<AgentRecord[]> {
      const rows = await withPool()
        .where(within(agents, afterId === undefined ? undefined : gt(agents.id, afterId)))
        .orderBy(asc(agents.id))
        .limit(limit);
      return rows.map(toRecord);
    },

    async get(id: string): Promise<AgentRecord | null> {
      const [row] = await withPool()
        .where(within(agents, eq(agents.id, id)))
        .limit(1);
      return row ? toRecord(row) : null;
    },

    /** Those of these ids that are agents here and not revoked. */
    async among(ids: readonly string[]): Promise<{ id: string; poolId: string }[]> {
      return db
        .select({ id: agents.id, poolId: agents.poolId })
        .from(agents)
        .where(
          within(
            agents,
            isNull(agents.revokedAt),
            // One bound parameter for all: a statement may have a hundred.
            sql`${agents.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
          ),
        );
    },

    /** Ends its quarantine. */
    async release(id: string): Promise<void> {
      await db
        .update(agents)
        .set({ quarantinedAt: null })
        .where(within(agents, eq(agents.id, id)));
    },

    /** Revokes it, once, and says which one it is and since when; null when there is no such agent. */
    async revoke(
      id: string,
      now: Date,
    ): Promise<{ id: string; name: string; poolId: string; revokedAt: Date } | null> {
      const [, rows] = await db.batch([
        db
          .update(agents)
          .set({ revokedAt: now })
          .where(within(agents, eq(agents.id, id), isNull(agents.revokedAt))),
        db
          .select({ id: agents.id, name: agents.name, poolId: agents.poolId, revokedAt: agents.revokedAt })
          .from(agents)
          .where(within(agents, eq(agents.id, id))),
      ]);
      const [agent] = rows;
      return agent ? { ...agent, revokedAt: agent.revokedAt ?? now } : null;
    },
  };
}

function toRecord({ agent, poolName }: { agent: typeof agents.$inferSelect; poolName: string }): AgentRecord {
  return {
    id: agent.id,
    name: agent.name,
    poolId: agent.poolId,
    poolName,
    labels: agent.labels,
    fingerprint: agent.fingerprint,
    publicKey: agent.publicKey,
    createdAt: agent.createdAt.toISOString(),
    revokedAt: agent.revokedAt?.toISOString(),
    quarantinedAt: agent.quarantinedAt?.toISOString(),
  };
}
