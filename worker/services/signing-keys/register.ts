import type { SigningKey } from "#protocol/api/signatures.ts";
import { newId } from "#protocol/ids.ts";
import { readSignature } from "#protocol/signatures/jws.ts";
import { thumbprintOf } from "#protocol/signatures/keys.ts";
import { isSignedBy } from "#protocol/signatures/webCrypto.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";

/** How far the time of a proof may be from the server's, ms. */
const PROOF_AGE_MS = 10 * 60_000;

/**
 * Takes a public key on for whoever proves that the private half is at hand.
 * @throws ApiError `invalid_signature` for another proof, `conflict` for a key that was registered before
 */
export async function registerSigningKey(
  env: Env,
  caller: Caller,
  { publicKey, proof }: { publicKey: string; proof: string },
): Promise<SigningKey> {
  const refuse = (words: string) => new ApiError("invalid_signature", `The proof ${words}.`);
  const reading = readSignature(proof);
  if (!reading.ok) throw refuse(reading.problem);
  const { statement } = reading.read;
  const fingerprint = await thumbprintOf(publicKey);
  if (statement.type !== "farhand.key.v1") throw refuse(`is over something else (${statement.type})`);
  if (statement.organizationId !== caller.organization.id) throw refuse("is for another organization");
  if (statement.thumbprint !== fingerprint) throw refuse("is for another key");
  const now = new Date();
  if (Math.abs(statement.signedAt - now.getTime()) > PROOF_AGE_MS) {
    throw refuse("was not signed within the last ten minutes; set the clock right, and sign it anew");
  }
  if (!(await isSignedBy(reading.read, publicKey))) throw refuse("was not made with this key");
  const key = {
    id: newId("signingKey"),
    name: statement.name,
    publicKey,
    fingerprint,
    userId: caller.userId,
    createdBy: caller.actor,
    createdAt: now,
  };
  if (!(await tenantDb(env.DB, caller.organization.id).signatures.addKey(key))) {
    throw new ApiError("conflict", "This key is registered already, or was revoked; make a new one.");
  }
  const { userId: _, ...shown } = key;
  return { ...shown, createdAt: now.toISOString() };
}
