/** Signing and verifying with the Web Crypto API, as browsers, workers and Node have it. */
import type { ReadSignature, Signer } from "./jws.ts";
import { type Algorithm, algorithmOf, jwkOf, publicKeyOf } from "./keys.ts";

const PARAMETERS = {
  EdDSA: { name: "Ed25519" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
} as const satisfies Record<Algorithm, unknown>;

/** True when this key made the signature. That the key is one that counts is for the caller to know. */
export async function isSignedBy(read: ReadSignature, publicKey: string): Promise<boolean> {
  const algorithm = algorithmOf(publicKey);
  if (read.algorithm !== algorithm) return false;
  const parameters = PARAMETERS[algorithm];
  const jwk = { ...jwkOf(publicKey), ext: true };
  try {
    const key = await crypto.subtle.importKey("jwk", jwk, parameters, true, ["verify"]);
    return await crypto.subtle.verify(parameters, key, read.signature, read.signed);
  } catch {
    // Not a point of the curve.
    return false;
  }
}

/** A pair of keys whose private half this program can use and nobody can read out. */
export async function generateSigningKey(
  algorithm: Algorithm,
): Promise<{ publicKey: string; privateKey: CryptoKey }> {
  const pair = await crypto.subtle.generateKey(PARAMETERS[algorithm], false, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new TypeError("expected a pair of keys");
  const publicKey = publicKeyOf(await crypto.subtle.exportKey("jwk", pair.publicKey));
  if (publicKey === undefined) throw new TypeError("the platform made a key of another kind");
  return { publicKey, privateKey: pair.privateKey };
}

export function signerOf({ publicKey, privateKey }: { publicKey: string; privateKey: CryptoKey }): Signer {
  const parameters = PARAMETERS[algorithmOf(publicKey)];
  return {
    publicKey,
    sign: async (data) => new Uint8Array(await crypto.subtle.sign(parameters, privateKey, data)),
  };
}
