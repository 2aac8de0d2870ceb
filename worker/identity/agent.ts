import { base64url } from "jose";
import { type AssertionClaims, KEY_OVERLAP_MS } from "#protocol/assertion.ts";
import { sha256Hex } from "#protocol/digest.ts";
import { type AgentRow, identityDb } from "../db/identity.ts";
import type { Env, Settings } from "../env.ts";
import { ApiError } from "../errors.ts";
import type { AgentIdentity } from "../pool/contract.ts";
import { readClaims, verifyAssertion } from "./assertion.ts";
import { ownOrigins } from "./origin.ts";

/** How long after an assertion's expiry its id must still be remembered, ms: the skew that is forgiven. */
const REMEMBER_MS = 60_000;

export interface AuthenticatedAgent {
  agent: AgentIdentity;
  /** Proved. */
  claims: AssertionClaims;
  /** Any of which an assertion for this request may name. */
  audiences: string[];
}

/**
 * Which agent calls, from the assertion it sends as `Authorization: Bearer`.
 * One D1 read, and a write with the first use of a new key.
 * @throws ApiError `invalid_assertion`, `agent_revoked` or `agent_quarantined`
 */
export async function authenticateAgent(
  request: Request,
  env: Env,
  settings: Settings,
): Promise<AuthenticatedAgent> {
  const assertion = /^bearer\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (assertion === undefined) {
    throw new ApiError("invalid_assertion", "Send the agent's assertion as Authorization: Bearer.");
  }
  const claims = readClaims(assertion, Date.now() / 1000);
  const agent = await identityDb(env.DB).findAgent(claims.sub);
  if (!agent)
    throw new ApiError("invalid_assertion", "This assertion names an agent that is not known here.");
  const path = new URL(request.url).pathname;
  const audiences = [...new Set(ownOrigins(request, settings))].map((origin) => origin + path);
  const key = await verifyAssertion(assertion, keysOf(agent, Date.now()), audiences);
  if (agent.revokedAt) {
    throw new ApiError(
      "agent_revoked",
      "This agent was revoked. Enroll the machine again if it should work here.",
    );
  }
  if (agent.quarantinedAt) throw quarantined();
  if (key === agent.nextPublicKey) await identityDb(env.DB).adoptKey(agent.id, key, await fingerprintOf(key));
  return { agent: identityOf(agent, claims), claims, audiences };
}

/** Why an agent of which two machines have the key is refused. */
export function quarantined(): ApiError {
  return new ApiError(
    "agent_quarantined",
    "Two machines use this agent's key: one is a copy of the other, or was restored from a backup. Both are stopped until somebody has put that right and released the agent in the web app.",
  );
}

/** The keys that are good for an agent now: its own, and one that it proposed. */
function keysOf({ publicKey, nextPublicKey, nextKeyAt }: AgentRow, now: number): string[] {
  if (nextPublicKey === null) return [publicKey];
  const isOverlap = nextKeyAt !== null && now < nextKeyAt.getTime() + KEY_OVERLAP_MS;
  return isOverlap ? [publicKey, nextPublicKey] : [nextPublicKey];
}

/** SHA-256 of a raw public key in hex. */
export function fingerprintOf(publicKey: string): Promise<string> {
  return sha256Hex(new Uint8Array(base64url.decode(publicKey)));
}

function identityOf(agent: AgentRow, { jti, exp, iat, counter }: AssertionClaims): AgentIdentity {
  return {
    agentId: agent.id,
    name: agent.name,
    organizationId: agent.organizationId,
    poolId: agent.poolId,
    labels: agent.labels,
    jti,
    jtiExpiresAt: exp * 1000 + REMEMBER_MS,
    counter,
    issuedAt: iat,
  };
}
