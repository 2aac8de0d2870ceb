/**
 * The reads and writes that happen before an organization is known: they turn
 * a key, a session, an agent or a join token into one. Every other query goes
 * through `tenantDb`. The plain binding always asks the primary, so what was
 * revoked is refused at once.
 */
import { and, asc, eq, gt, isNull, lt, ne, or, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { deriveId } from "#protocol/ids.ts";
import { agents, apiKeys, joinTokens, member, organization, pools, session, user } from "./schema.ts";

/** An agent that wants in, and the token that it shows. */
export interface Enrollment {
  tokenHash: string;
  agentId: string;
  name: string;
  labels: Record<string, string>;
  publicKey: string;
  fingerprint: string;
  now: Date;
}

export function identityDb(d1: D1Database) {
  const db = drizzle(d1);
  return {
    /** An API key with its organization and its creator's role there, in one statement. */
    async findApiKey(hash: string) {
      const [row] = await db
        .select({ key: apiKeys, organizationName: organization.name, role: member.role })
        .from(apiKeys)
        .innerJoin(organization, eq(organization.id, apiKeys.organizationId))
        .leftJoin(
          member,
          and(eq(member.organizationId, apiKeys.organizationId), eq(member.userId, apiKeys.userId)),
        )
        .where(eq(apiKeys.hash, hash))
        .limit(1);
      return row ?? null;
    },

    /** Notes that a key was used, unless that was noted after `before`. */
    async touchApiKey(organizationId: string, id: string, now: Date, before: Date): Promise<void> {
      await db
        .update(apiKeys)
        .set({ lastUsedAt: now })
        .where(
          and(
            eq(apiKeys.organizationId, organizationId),
            eq(apiKeys.id, id),
            or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, before)),
          ),
        );
    },

    /** A live session with its person, active organization and role there, in one statement. */
    async findSession(token: string, now: Date) {
      const [row] = await db
        .select({
          user,
          sessionId: session.id,
          expiresAt: session.expiresAt,
          organizationId: organization.id,
          organizationName: organization.name,
          role: member.role,
        })
        .from(session)
        .innerJoin(user, eq(user.id, session.userId))
        .innerJoin(
          member,
          and(eq(member.organizationId, session.activeOrganizationId), eq(member.userId, session.userId)),
        )
        .innerJoin(organization, eq(organization.id, member.organizationId))
        .where(and(eq(session.token, token), gt(session.expiresAt, now)))
        .limit(1);
      return row ?? null;
    },

    /** An agent by its own id, with its pool. */
    async findAgent(id: string) {
      const [row] = await db.select().from(agents).where(eq(agents.id, id)).limit(1);
      return row ?? null;
    },

    /** Notes the key that an agent wants to go over to; the same one again changes nothing. */
    async proposeKey(id: string, nextPublicKey: string, now: Date): Promise<void> {
      await db
        .update(agents)
        .set({ nextPublicKey, nextKeyAt: now })
        .where(
          and(
            eq(agents.id, id),
            ne(agents.publicKey, nextPublicKey),
            or(isNull(agents.nextPublicKey), ne(agents.nextPublicKey, nextPublicKey)),
          ),
        );
    },

    /** The proposed key was used: it is the agent's only one from now on. */
    async adoptKey(id: string, nextPublicKey: string, fingerprint: string): Promise<void> {
      await db
        .update(agents)
        .set({ publicKey: nextPublicKey, fingerprint, nextPublicKey: null, nextKeyAt: null })
        .where(and(eq(agents.id, id), eq(agents.nextPublicKey, nextPublicKey)));
    },

    /** Puts it into quarantine; one that is there already stays as it is. */
    async quarantineAgent(id: string, at: Date): Promise<void> {
      await db
        .update(agents)
        .set({ quarantinedAt: at })
        .where(and(eq(agents.id, id), isNull(agents.quarantinedAt)));
    },

    /**
     * Makes an agent out of a join token. Uses are counted by the agents that
     * came in with it, in the statement that adds one more, so of any number of
     * machines that race with a token as many get in as it says. The same key
     * again adds nothing. Returns where the token leads and the agent with this
     * key, or null for an unknown token.
     */
    async enroll({ tokenHash, agentId, name, labels, publicKey, fingerprint, now }: Enrollment) {
      const byHash = eq(joinTokens.hash, tokenHash);
      const usedBy = and(
        eq(agents.organizationId, joinTokens.organizationId),
        eq(agents.joinTokenId, joinTokens.id),
      );
      const hasUses = sql`(SELECT COUNT(*) FROM ${agents} WHERE ${usedBy}) < ${joinTokens.uses}`;
      const [, rows] = await db.batch([
        db
          .insert(agents)
          .select(
            db
              .select({
                organizationId: joinTokens.organizationId,
                id: sql`${agentId}`.as("id"),
                poolId: joinTokens.poolId,
                name: sql`${name}`.as("name"),
                // What the token says replaces what the host says.
                labels: sql`json_patch(${JSON.stringify(labels)}, ${joinTokens.labels})`.as("labels"),
                publicKey: sql`${publicKey}`.as("public_key"),
                fingerprint: sql`${fingerprint}`.as("fingerprint"),
                createdAt: sql`${now.getTime()}`.as("created_at"),
                revokedAt: sql`NULL`.as("revoked_at"),
                joinTokenId: sql`${joinTokens.id}`.as("join_token_id"),
                nextPublicKey: sql`NULL`.as("next_public_key"),
                nextKeyAt: sql`NULL`.as("next_key_at"),
                quarantinedAt: sql`NULL`.as("quarantined_at"),
              })
              .from(joinTokens)
              .where(and(byHash, isNull(joinTokens.revokedAt), gt(joinTokens.expiresAt, now), hasUses)),
          )
          .onConflictDoNothing(),
        // Each column by a name of its own: rows of a batch are keyed by name.
        db
          .select({
            organizationId: joinTokens.organizationId,
            poolId: joinTokens.poolId,
            poolName: sql<string>`${pools.name}`.as("pool_name"),
            tokenRevokedAt: sql<number | null>`${joinTokens.revokedAt}`.as("token_revoked_at"),
            tokenExpiresAt: sql<number>`${joinTokens.expiresAt}`.as("token_expires_at"),
            agentId: sql<string | null>`${agents.id}`.as("agent_id"),
            agentLabels: sql<string | null>`${agents.labels}`.as("agent_labels"),
            agentRevokedAt: sql<number | null>`${agents.revokedAt}`.as("agent_revoked_at"),
          })
          .from(joinTokens)
          .innerJoin(
            pools,
            and(eq(pools.organizationId, joinTokens.organizationId), eq(pools.id, joinTokens.poolId)),
          )
          .leftJoin(agents, and(usedBy, eq(agents.publicKey, publicKey)))
          .where(byHash)
          .limit(1),
      ]);
      return rows[0] ?? null;
    },

    /**
     * The organization a person works in: the first one joined. Somebody who
     * belongs to none gets their own, with a pool to put agents into. Its ids
     * are derived from the person's, so doing this twice makes one.
     */
    async ensureOrganization(userId: string, now: Date): Promise<string> {
      const [joined] = await db
        .select({ organizationId: member.organizationId })
        .from(member)
        .where(eq(member.userId, userId))
        .orderBy(asc(member.createdAt))
        .limit(1);
      if (joined) return joined.organizationId;

      const id = await deriveId("organization", "own", userId);
      await db.batch([
        db
          .insert(organization)
          .select(
            db
              .select({
                id: sql`${id}`.as("id"),
                name: sql`${user.name} || '''s organization'`.as("name"),
                slug: sql`${id}`.as("slug"),
                logo: sql`NULL`.as("logo"),
                metadata: sql`NULL`.as("metadata"),
                createdAt: sql`${now.getTime()}`.as("created_at"),
                maxExecutions: sql`NULL`.as("max_executions"),
                retentionDays: sql`NULL`.as("retention_days"),
              })
              .from(user)
              .where(eq(user.id, userId)),
          )
          .onConflictDoNothing(),
        db
          .insert(member)
          .values({ id: `${id}:${userId}`, organizationId: id, userId, role: "owner", createdAt: now })
          .onConflictDoNothing(),
        db
          .insert(pools)
          .values({
            organizationId: id,
            id: await deriveId("pool", "default", id),
            name: "default",
            createdAt: now,
          })
          .onConflictDoNothing(),
      ]);
      return id;
    },
  };
}

export type AgentRow = typeof agents.$inferSelect;
