import type { EnrollRequest, EnrollResponse } from "#protocol/assertion.ts";
import { labelsSchema } from "#protocol/blocks/common.ts";
import { newId } from "#protocol/ids.ts";
import { identityDb } from "../../db/identity.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { fingerprintOf } from "../../identity/agent.ts";
import { importAgentKey } from "../../identity/assertion.ts";
import { secretHash } from "../../identity/secrets.ts";

/**
 * Lets a new agent in on a join token, which works as often as it says. The
 * same machine asking again, because the answer was lost, is told the same.
 * @throws ApiError `invalid_join_token`, `invalid_request` for a key that is none
 */
export async function enrollAgent(env: Env, request: EnrollRequest): Promise<EnrollResponse> {
  const tokenHash = await secretHash("joinToken", request.joinToken);
  if (tokenHash === null) {
    const isOther = /^fh_(?!join_)/.test(request.joinToken);
    throw refused(
      isOther
        ? "This is another kind of key, and a join token is asked for: make one in the web app under Agents."
        : "This is not a join token: it looks mistyped or cut short.",
    );
  }
  await importAgentKey(request.publicKey).catch(() => {
    throw new ApiError("invalid_request", "The public key is not an Ed25519 key.");
  });
  const now = new Date();
  const found = await identityDb(env.DB).enroll({
    tokenHash,
    agentId: newId("agent"),
    name: request.name,
    labels: request.labels,
    publicKey: request.publicKey,
    fingerprint: await fingerprintOf(request.publicKey),
    now,
  });
  if (!found) throw refused("There is no such join token.");
  const { organizationId, poolId, poolName, agentId, agentLabels } = found;
  if (agentId !== null && found.agentRevokedAt === null) {
    const labels = labelsSchema.parse(JSON.parse(agentLabels ?? "{}"));
    return { agentId, organizationId, poolId, poolName, labels };
  }
  if (agentId !== null) throw refused("The agent that joined with this key was revoked. Use a new key.");
  if (found.tokenRevokedAt !== null) throw refused("This join token was taken back. Ask for a new one.");
  if (found.tokenExpiresAt <= now.getTime()) {
    throw refused("This join token has expired. Make a new one.");
  }
  throw refused("This join token is used up. Make a new one, with as many uses as there are machines.");
}

function refused(detail: string): ApiError {
  return new ApiError("invalid_join_token", detail);
}
