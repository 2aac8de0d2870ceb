import { KEY_OVERLAP_MS, type RotateKeyRequest, type RotateKeyResponse } from "#protocol/assertion.ts";
import { identityDb } from "../../db/identity.ts";
import type { Env } from "../../env.ts";
import type { AuthenticatedAgent } from "../../identity/agent.ts";
import { readClaims, refused, verifyAssertion } from "../../identity/assertion.ts";

/**
 * Notes the key that an agent wants to go over to: the old one vouches for it
 * in the assertion, and the new one signs a proof. Safe to repeat.
 * @throws ApiError `invalid_assertion`
 */
export async function rotateKey(
  env: Env,
  { agent, claims, audiences }: AuthenticatedAgent,
  { publicKey, proof }: RotateKeyRequest,
): Promise<RotateKeyResponse> {
  if (claims.newKey !== publicKey) throw refused("it must name the new key as newKey");
  const now = new Date();
  if (readClaims(proof, now.getTime() / 1000).sub !== agent.agentId) {
    throw refused("the proof of the new key names another agent");
  }
  await verifyAssertion(proof, [publicKey], audiences);
  await identityDb(env.DB).proposeKey(agent.agentId, publicKey, now);
  return { oldKeyUntil: new Date(now.getTime() + KEY_OVERLAP_MS).toISOString() };
}
