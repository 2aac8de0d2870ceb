/** Rule HS2: an agent proves who it is with a JWT that it signed itself. */
import { decodeJwt, importJWK, jwtVerify } from "jose";
import { ASSERTION_ALGORITHM, type AssertionClaims, assertionClaimsSchema } from "#protocol/assertion.ts";
import { ASSERTION_TTL_SECONDS } from "#protocol/limits.ts";
import { ApiError } from "../errors.ts";

/** How far the agent's clock may be off either way, seconds. */
const CLOCK_SKEW_SECONDS = 30;

/** @throws for text that is no Ed25519 public key */
export async function importAgentKey(publicKey: string): Promise<CryptoKey> {
  const key = await importJWK({ kty: "OKP", crv: "Ed25519", x: publicKey }, ASSERTION_ALGORITHM);
  if (key instanceof Uint8Array) throw new TypeError("expected an asymmetric key");
  return key;
}

/**
 * What an assertion claims, before anything is proved: enough to find the key
 * to prove it with, and to refuse what is late without asking the database.
 * @throws ApiError `invalid_assertion`
 */
export function readClaims(assertion: string, nowSeconds: number): AssertionClaims {
  const claims = assertionClaimsSchema.safeParse(decoded(assertion));
  if (!claims.success) throw refused("it lacks a claim or has one of a wrong type");
  const { iat, exp } = claims.data;
  if (!Number.isFinite(iat) || !Number.isFinite(exp)) throw refused("its times are not numbers");
  if (exp <= iat || exp - iat > ASSERTION_TTL_SECONDS) {
    throw refused(`it must expire within ${ASSERTION_TTL_SECONDS} s of being made`);
  }
  if (iat > nowSeconds + CLOCK_SKEW_SECONDS) {
    throw refused(
      `the agent's clock is ${Math.round(iat - nowSeconds)} s ahead of the server's; set the clock`,
    );
  }
  if (exp < nowSeconds - CLOCK_SKEW_SECONDS) {
    const behind = Math.round(nowSeconds - iat);
    throw refused(
      `it expired; if it was made just now, the agent's clock is ${behind} s behind; set the clock`,
    );
  }
  return claims.data;
}

/**
 * Proves an assertion: EdDSA and nothing else, by one of these keys, for one of
 * these audiences.
 * @returns the key that has signed it
 * @throws ApiError `invalid_assertion`
 */
export async function verifyAssertion(
  assertion: string,
  publicKeys: readonly string[],
  audiences: string[],
): Promise<string> {
  let cause: unknown;
  for (const publicKey of publicKeys) {
    try {
      await jwtVerify(assertion, await importAgentKey(publicKey), {
        algorithms: [ASSERTION_ALGORITHM],
        audience: audiences,
        clockTolerance: CLOCK_SKEW_SECONDS,
      });
      return publicKey;
    } catch (error) {
      cause = error;
    }
  }
  throw refused(`it must be signed with the agent's own key for ${audiences.join(" or ")}`, cause);
}

function decoded(assertion: string): unknown {
  try {
    return decodeJwt(assertion);
  } catch (cause) {
    throw refused("it is not a JWT", cause);
  }
}

export function refused(reason: string, cause?: unknown): ApiError {
  return new ApiError("invalid_assertion", `This assertion is not accepted: ${reason}.`, { cause });
}
