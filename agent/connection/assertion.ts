/** Rule HS2: the agent's side of it. */
import { randomBytes } from "node:crypto";
import { SignJWT } from "jose";
import { ASSERTION_ALGORITHM, type AssertionClaims } from "#protocol/assertion.ts";
import { ASSERTION_TTL_SECONDS } from "#protocol/limits.ts";
import type { Identity } from "../identity.ts";

export type Signer = Pick<Identity, "agentId" | "privateKey" | "url">;

/** What an assertion says beside who signs it. */
export type MoreClaims = Pick<AssertionClaims, "counter" | "newKey">;

/** A fresh assertion for one request to one path. */
export function signAssertion(
  identity: Signer,
  path: string,
  nowMs: number,
  more: MoreClaims = {},
): Promise<string> {
  const issuedAt = Math.floor(nowMs / 1000);
  return new SignJWT({ ...more })
    .setProtectedHeader({ alg: ASSERTION_ALGORITHM, typ: "JWT" })
    .setSubject(identity.agentId)
    .setAudience(identity.url + path)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ASSERTION_TTL_SECONDS)
    .setJti(randomBytes(16).toString("base64url"))
    .sign(identity.privateKey);
}
