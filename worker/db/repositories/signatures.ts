/** Public keys that people and CI registered, and their signatures of versions. */
import { and, asc, desc, eq, lt, sql } from "drizzle-orm";
import type { Actor } from "#protocol/actor.ts";
import type { SigningKey, VersionSignature } from "#protocol/api/signatures.ts";
import { signingKeys, versionSignatures } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

export interface NewSigningKey {
  id: string;
  name: string;
  publicKey: string;
  fingerprint: string;
  /** Whose it is. */
  userId: string;
  createdBy: Actor;
  createdAt: Date;
}

export interface NewVersionSignature {
  versionId: string;
  keyId: string;
  signature: string;
  signedAt: Date;
  expiresAt: Date | undefined;
  createdAt: Date;
}

export function signaturesRepository({ db, organizationId, within }: TenantScope) {
  return {
    /** False when the organization has had this key before: a revoked one does not come back. */
    async addKey(key: NewSigningKey): Promise<boolean> {
      const result = await db
        .insert(signingKeys)
        .values({ ...key, organizationId })
        .onConflictDoNothing();
      return result.meta.changes > 0;
    },

    /** Newest first; at most `limit` below the id given. */
    async keys(beforeId: string | undefined, limit: number): Promise<SigningKey[]> {
      const rows = await db
        .select()
        .from(signingKeys)
        .where(within(signingKeys, beforeId === undefined ? undefined : lt(signingKeys.id, beforeId)))
        .orderBy(desc(signingKeys.id))
        .limit(limit);
      return rows.map(toSigningKey);
    },

    /** A key by its fingerprint, and whose it is. */
    async keyOf(fingerprint: string): Promise<{ key: SigningKey; userId: string } | null> {
      const [row] = await db
        .select()
        .from(signingKeys)
        .where(within(signingKeys, eq(signingKeys.fingerprint, fingerprint)));
      return row ? { key: toSigningKey(row), userId: row.userId } : null;
    },

    /** Whose key this is; null when there is none of this id. */
    async ownerOf(id: string): Promise<string | null> {
      const [row] = await db
        .select({ userId: signingKeys.userId })
        .from(signingKeys)
        .where(within(signingKeys, eq(signingKeys.id, id)));
      return row?.userId ?? null;
    },

    /** Ends a key, once. */
    async revokeKey(id: string, now: Date): Promise<void> {
      await db
        .update(signingKeys)
        .set({ revokedAt: sql`coalesce(${signingKeys.revokedAt}, ${now.getTime()})` })
        .where(within(signingKeys, eq(signingKeys.id, id)));
    },

    /** A later signature of the same key takes the place of its earlier one. */
    async sign(signature: NewVersionSignature): Promise<void> {
      const { signature: text, signedAt, expiresAt, createdAt } = signature;
      await db
        .insert(versionSignatures)
        .values({ ...signature, organizationId })
        .onConflictDoUpdate({
          target: [versionSignatures.organizationId, versionSignatures.versionId, versionSignatures.keyId],
          set: { signature: text, signedAt, expiresAt: expiresAt ?? null, createdAt },
        });
    },

    /** Oldest first. */
    async ofVersion(versionId: string): Promise<VersionSignature[]> {
      const rows = await db
        .select({ of: versionSignatures, key: signingKeys })
        .from(versionSignatures)
        .innerJoin(
          signingKeys,
          and(
            eq(signingKeys.organizationId, versionSignatures.organizationId),
            eq(signingKeys.id, versionSignatures.keyId),
          ),
        )
        .where(within(versionSignatures, eq(versionSignatures.versionId, versionId)))
        .orderBy(asc(versionSignatures.createdAt));
      return rows.map(({ of, key }) => ({
        key: {
          id: key.id,
          name: key.name,
          fingerprint: key.fingerprint,
          revokedAt: key.revokedAt?.toISOString(),
        },
        signature: of.signature,
        signedAt: of.signedAt.toISOString(),
        expiresAt: of.expiresAt?.toISOString(),
      }));
    },
  };
}

function toSigningKey(row: typeof signingKeys.$inferSelect): SigningKey {
  return {
    id: row.id,
    name: row.name,
    publicKey: row.publicKey,
    fingerprint: row.fingerprint,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    revokedAt: row.revokedAt?.toISOString(),
  };
}
