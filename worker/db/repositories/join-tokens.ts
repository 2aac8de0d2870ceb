/** Join tokens: what a new agent enrols with, once. Only their hashes are here. */
import { desc, eq, isNull, lt, sql } from "drizzle-orm";
import type { Actor } from "#protocol/actor.ts";
import type { JoinToken } from "#protocol/api/pools.ts";
import { joinTokens, pools } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

export interface NewJoinToken {
  id: string;
  poolId: string;
  hash: string;
  createdBy: Actor;
  createdAt: Date;
  expiresAt: Date;
}

export function joinTokensRepository({ db, organizationId, within }: TenantScope) {
  return {
    /** False when the organization has no such pool. */
    async create(token: NewJoinToken): Promise<boolean> {
      const result = await db.insert(joinTokens).select(
        db
          .select({
            organizationId: sql`${organizationId}`.as("organization_id"),
            id: sql`${token.id}`.as("id"),
            poolId: pools.id,
            hash: sql`${token.hash}`.as("hash"),
            createdBy: sql`${JSON.stringify(token.createdBy)}`.as("created_by"),
            createdAt: sql`${token.createdAt.getTime()}`.as("created_at"),
            expiresAt: sql`${token.expiresAt.getTime()}`.as("expires_at"),
            usedAt: sql`NULL`.as("used_at"),
            usedByAgentId: sql`NULL`.as("used_by_agent_id"),
          })
          .from(pools)
          .where(within(pools, eq(pools.id, token.poolId))),
      );
      return result.meta.changes > 0;
    },

    /** Newest first; at most `limit` below the id given. */
    async list(beforeId: string | undefined, limit: number): Promise<JoinToken[]> {
      const rows = await db
        .select()
        .from(joinTokens)
        .where(within(joinTokens, beforeId === undefined ? undefined : lt(joinTokens.id, beforeId)))
        .orderBy(desc(joinTokens.id))
        .limit(limit);
      return rows.map(toJoinToken);
    },

    /** Takes back a token that nobody has used. A used one stays: it says how its agent came in. */
    async remove(id: string): Promise<"removed" | "used" | "not_found"> {
      const [removed, left] = await db.batch([
        db.delete(joinTokens).where(within(joinTokens, eq(joinTokens.id, id), isNull(joinTokens.usedAt))),
        db
          .select({ id: joinTokens.id })
          .from(joinTokens)
          .where(within(joinTokens, eq(joinTokens.id, id))),
      ]);
      if (removed.meta.changes > 0) return "removed";
      return left.length > 0 ? "used" : "not_found";
    },
  };
}

function toJoinToken(row: typeof joinTokens.$inferSelect): JoinToken {
  return {
    id: row.id,
    poolId: row.poolId,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    usedAt: row.usedAt?.toISOString(),
  };
}
