/** Join tokens: what new agents enroll with. Only their hashes are here. */
import { and, desc, eq, isNull, lt, sql } from "drizzle-orm";
import type { Actor } from "#protocol/actor.ts";
import type { JoinToken } from "#protocol/api/pools.ts";
import { agents, joinTokens, pools } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

export interface NewJoinToken {
  id: string;
  poolId: string;
  hash: string;
  createdBy: Actor;
  createdAt: Date;
  expiresAt: Date;
  uses: number;
  labels: Record<string, string>;
}

/** How many of the agents that came in with a token are named. */
const NAMED_MAX = 20;

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
            revokedAt: sql`NULL`.as("revoked_at"),
            uses: sql`${token.uses}`.as("uses"),
            labels: sql`${JSON.stringify(token.labels)}`.as("labels"),
          })
          .from(pools)
          .where(within(pools, eq(pools.id, token.poolId))),
      );
      return result.meta.changes > 0;
    },

    /** Newest first; at most `limit` below the id given. */
    async list(beforeId: string | undefined, limit: number): Promise<JoinToken[]> {
      const usedBy = and(
        eq(agents.organizationId, joinTokens.organizationId),
        eq(agents.joinTokenId, joinTokens.id),
      );
      const rows = await db
        .select({
          token: joinTokens,
          used: sql<number>`(SELECT COUNT(*) FROM ${agents} WHERE ${usedBy})`.as("used"),
          joined: sql<string>`(SELECT json_group_array(json_object('id', id, 'name', name)) FROM
            (SELECT id, name FROM ${agents} WHERE ${usedBy} ORDER BY id LIMIT ${NAMED_MAX}))`.as("joined"),
        })
        .from(joinTokens)
        .where(within(joinTokens, beforeId === undefined ? undefined : lt(joinTokens.id, beforeId)))
        .orderBy(desc(joinTokens.id))
        .limit(limit);
      return rows.map(toJoinToken);
    },

    /** Takes a token back, once; who came in with it stays. False when there is no such token. */
    async revoke(id: string, now: Date): Promise<boolean> {
      const [, found] = await db.batch([
        db
          .update(joinTokens)
          .set({ revokedAt: now })
          .where(within(joinTokens, eq(joinTokens.id, id), isNull(joinTokens.revokedAt))),
        db
          .select({ id: joinTokens.id })
          .from(joinTokens)
          .where(within(joinTokens, eq(joinTokens.id, id))),
      ]);
      return found.length > 0;
    },
  };
}

interface TokenRow {
  token: typeof joinTokens.$inferSelect;
  used: number;
  /** JSON, as the query has made it. */
  joined: string;
}

function toJoinToken({ token, used, joined }: TokenRow): JoinToken {
  return {
    id: token.id,
    poolId: token.poolId,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt.toISOString(),
    revokedAt: token.revokedAt?.toISOString(),
    uses: token.uses,
    usesLeft: token.uses - used,
    labels: token.labels,
    joined: JSON.parse(joined) as JoinToken["joined"],
  };
}
