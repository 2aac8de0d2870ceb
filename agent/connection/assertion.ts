/** Rule HS2: the agent's side of it. */
import { randomBytes, sign } from "node:crypto";
import { ASSERTION_ALGORITHM, type AssertionClaims } from "#protocol/assertion.ts";
import { ASSERTION_TTL_SECONDS } from "#protocol/limits.ts";
import type { Identity } from "../identity.ts";

export type Signer = Pick<Identity, "agentId" | "privateKey" | "url">;

/** What an assertion says beside who signs it. */
export type MoreClaims = Pick<AssertionClaims, "counter" | "newKey">;

/** A fresh assertion for one request to one path. */
export function signAssertion(identity: Signer, path: string, nowMs: number, more: MoreClaims = {}): string {
  const issuedAt = Math.floor(nowMs / 1000);
  const claims = {
    ...more,
    sub: identity.agentId,
    aud: identity.url + path,
    iat: issuedAt,
    exp: issuedAt + ASSERTION_TTL_SECONDS,
    jti: randomBytes(16).toString("base64url"),
  } satisfies AssertionClaims & Record<string, unknown>;
  const signed = `${partOf({ alg: ASSERTION_ALGORITHM, typ: "JWT" })}.${partOf(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), identity.privateKey).toString("base64url")}`;
}

function partOf(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
