/** API keys. Only their hashes are here. */
import { desc, eq, lt, sql } from "drizzle-orm";
import type { Actor, Scope } from "#protocol/actor.ts";
import type { ApiKey } from "#protocol/api/keys.ts";
import { apiKeys } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

export interface NewApiKey {
  id: string;
  name: string;
  hint: string;
  hash: string;
  scopes: Scope[];
  userId: string;
  createdBy: Actor;
  createdAt: Date;
  expiresAt: Date | undefined;
}

export function apiKeysRepository({ db, organizationId, within }: TenantScope) {
  return {
    async create(key: NewApiKey): Promise<void> {
      await db.insert(apiKeys).values({ ...key, organizationId });
    },

    /** Newest first; at most `limit` below the id given. */
    async list(beforeId: string | undefined, limit: number): Promise<ApiKey[]> {
      const rows = await db
        .select()
        .from(apiKeys)
        .where(within(apiKeys, beforeId === undefined ? undefined : lt(apiKeys.id, beforeId)))
        .orderBy(desc(apiKeys.id))
        .limit(limit);
      return rows.map(toApiKey);
    },

    /** Ends a key, once; false when there is none of this id. */
    async revoke(id: string, now: Date): Promise<boolean> {
      const result = await db
        .update(apiKeys)
        .set({ revokedAt: sql`coalesce(${apiKeys.revokedAt}, ${now.getTime()})` })
        .where(within(apiKeys, eq(apiKeys.id, id)));
      return result.meta.changes > 0;
    },
  };
}

function toApiKey(row: typeof apiKeys.$inferSelect): ApiKey {
  return {
    id: row.id,
    name: row.name,
    hint: row.hint,
    scopes: row.scopes,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString(),
    revokedAt: row.revokedAt?.toISOString(),
  };
}
