/**
 * Public keys of people and of CI, as one line of text that fits into a policy
 * file, a form and a chat: `ed25519:` or `p256:` and the key in base64url. The
 * kind of a key fixes the algorithm that it is used with; a signature has no say.
 */
import { z } from "zod";
import { fromBase64url, toBase64url } from "../base64url.ts";
import { canonicalJson } from "../digest.ts";

/** 32 bytes: the last character stands for four bits only. */
const FIELD = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]";
const PUBLIC_KEY = new RegExp(`^(?:ed25519:(${FIELD})|p256:(${FIELD})\\.(${FIELD}))$`);

export const publicKeySchema = z.string().regex(PUBLIC_KEY, {
  error: "a public key is one line such as ed25519:… or p256:…, as `farhand keygen` prints it",
});

export type Algorithm = "EdDSA" | "ES256";

/** The members that RFC 7638 hashes. */
export type PublicJwk =
  | { crv: "Ed25519"; kty: "OKP"; x: string }
  | { crv: "P-256"; kty: "EC"; x: string; y: string };

/** @throws TypeError for text that `publicKeySchema` refuses */
export function jwkOf(publicKey: string): PublicJwk {
  const [, edwards, x, y] = PUBLIC_KEY.exec(publicKey) ?? [];
  if (edwards !== undefined) return { crv: "Ed25519", kty: "OKP", x: edwards };
  if (x !== undefined && y !== undefined) return { crv: "P-256", kty: "EC", x, y };
  throw new TypeError("not a public key");
}

const exportedSchema = z.union([
  z
    .object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string() })
    .transform(({ x }) => `ed25519:${x}`),
  z
    .object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string() })
    .transform(({ x, y }) => `p256:${x}.${y}`),
]);

/** The text of a key that a platform exported as a JWK; undefined for keys of other kinds. */
export function publicKeyOf(jwk: unknown): string | undefined {
  const parsed = exportedSchema.pipe(publicKeySchema).safeParse(jwk);
  return parsed.success ? parsed.data : undefined;
}

export function algorithmOf(publicKey: string): Algorithm {
  return jwkOf(publicKey).kty === "OKP" ? "EdDSA" : "ES256";
}

/** What the thumbprint of a key is the SHA-256 of (RFC 7638). */
export function thumbprintInput(publicKey: string): string {
  return canonicalJson(jwkOf(publicKey));
}

/** A key's fingerprint, for people to compare and for `kid`: its RFC 7638 thumbprint in base64url. */
export async function thumbprintOf(publicKey: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(thumbprintInput(publicKey)));
  return toBase64url(new Uint8Array(digest));
}

export const thumbprintSchema = z
  .string()
  .refine((text) => fromBase64url(text)?.length === 32, { error: "expected a fingerprint of a key" });
