import { base64url } from "jose";
import type { EnrollRequest, EnrollResponse } from "#protocol/assertion.ts";
import { sha256Hex } from "#protocol/digest.ts";
import { newId } from "#protocol/ids.ts";
import { identityDb } from "../../db/identity.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { importAgentKey } from "../../identity/assertion.ts";
import { secretHash } from "../../identity/secrets.ts";

/**
 * Lets a new agent in on a join token, which works once. The same machine
 * asking again, because the first answer was lost, is told the same.
 * @throws ApiError `invalid_join_token`, `invalid_request` for a key that is none
 */
export async function enrollAgent(env: Env, request: EnrollRequest): Promise<EnrollResponse> {
  const tokenHash = await secretHash("joinToken", request.joinToken);
  if (tokenHash === null) throw refused("This is not a join token: it looks mistyped or cut short.");
  await importAgentKey(request.publicKey).catch(() => {
    throw new ApiError("invalid_request", "The public key is not an Ed25519 key.");
  });
  const found = await identityDb(env.DB).enroll({
    tokenHash,
    agentId: newId("agent"),
    name: request.name,
    labels: request.labels,
    publicKey: request.publicKey,
    fingerprint: await sha256Hex(new Uint8Array(base64url.decode(request.publicKey))),
    now: new Date(),
  });
  if (!found) throw refused("There is no such join token.");
  const { organizationId, poolId, poolName, agentId, publicKey, revokedAt } = found;
  if (agentId === null)
    throw refused("This join token has expired. Make a new one; it is good for 15 minutes.");
  if (publicKey !== request.publicKey || revokedAt !== null) {
    throw refused("This join token was used already. Make a new one for each agent.");
  }
  return { agentId, organizationId, poolId, poolName };
}

function refused(detail: string): ApiError {
  return new ApiError("invalid_join_token", detail);
}
