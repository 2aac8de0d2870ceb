import { type AgentRow, identityDb } from "../db/identity.ts";
import type { Env, Settings } from "../env.ts";
import { ApiError } from "../errors.ts";
import type { AgentIdentity } from "../pool/contract.ts";
import { readClaims, verifyAssertion } from "./assertion.ts";
import { ownOrigins } from "./origin.ts";

/** How long after an assertion's expiry its id must still be remembered, ms: the skew that is forgiven. */
const REMEMBER_MS = 60_000;

/**
 * Which agent opens this socket, from the assertion it sends as
 * `Authorization: Bearer`. One D1 read.
 * @throws ApiError `invalid_assertion`, or `agent_revoked`
 */
export async function authenticateAgent(
  request: Request,
  env: Env,
  settings: Settings,
): Promise<AgentIdentity> {
  const assertion = /^bearer\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (assertion === undefined) {
    throw new ApiError("invalid_assertion", "Send the agent's assertion as Authorization: Bearer.");
  }
  const claims = readClaims(assertion, Date.now() / 1000);
  const agent = await identityDb(env.DB).findAgent(claims.sub);
  if (!agent)
    throw new ApiError("invalid_assertion", "This assertion names an agent that is not known here.");
  const path = new URL(request.url).pathname;
  await verifyAssertion(
    assertion,
    agent.publicKey,
    [...new Set(ownOrigins(request, settings))].map((origin) => origin + path),
  );
  if (agent.revokedAt) {
    throw new ApiError(
      "agent_revoked",
      "This agent was revoked. Enrol the machine again if it should work here.",
    );
  }
  return identityOf(agent, claims.jti, claims.exp * 1000 + REMEMBER_MS);
}

function identityOf(agent: AgentRow, jti: string, jtiExpiresAt: number): AgentIdentity {
  return {
    agentId: agent.id,
    name: agent.name,
    organizationId: agent.organizationId,
    poolId: agent.poolId,
    labels: agent.labels,
    jti,
    jtiExpiresAt,
  };
}
