import type { VersionSignature } from "#protocol/api/signatures.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { verifiedStatement } from "../signing-keys/verify.ts";

/**
 * Keeps an author's signature of a version; plans made from then on carry it to agents.
 * @throws ApiError `not_found`, `invalid_signature`
 */
export async function signVersion(
  env: Env,
  caller: Caller,
  { runbookId, number, signature }: { runbookId: string; number: number; signature: string },
): Promise<VersionSignature[]> {
  const organizationId = caller.organization.id;
  const db = tenantDb(env.DB, organizationId);
  const version = await db.runbooks.version(runbookId, number);
  if (!version) throw new ApiError("not_found", "There is no such version of a runbook with this id.");
  const { statement, key } = await verifiedStatement<"farhand.version.v1">(db, signature, {
    type: "farhand.version.v1",
    ...{ organizationId, runbookId, versionNumber: number, versionHash: version.contentHash },
  });
  const expiresAt = "expiresAt" in statement ? statement.expiresAt : undefined;
  await db.signatures.sign({
    versionId: version.id,
    keyId: key.id,
    signature,
    signedAt: new Date(statement.signedAt),
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
    createdAt: new Date(),
  });
  return db.signatures.ofVersion(version.id);
}
