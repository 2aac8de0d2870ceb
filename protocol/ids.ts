import { z } from "zod";

/** Every id says what it names: `exe_` + 26 characters of Crockford base32. */
export const ID_PREFIXES = {
  organization: "org",
  user: "usr",
  pool: "pool",
  agent: "agt",
  joinToken: "jtk",
  apiKey: "key",
  signingKey: "sgk",
  runbook: "rb",
  version: "rbv",
  execution: "exe",
  lease: "lse",
  request: "req",
  webhook: "whk",
  notification: "msg",
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const BODY = /^[0-9a-hjkmnp-tv-z]{26}$/;

/** Base32 (Crockford, lower case) of 16 bytes: 26 characters. */
function encode128(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes.subarray(0, 16)) bits = (bits << 8n) | BigInt(byte);
  let text = "";
  for (let i = 0; i < 26; i++) {
    text = ALPHABET[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  return text;
}

/**
 * A fresh id: 48 bits of time, so that ids of one kind sort by age and index
 * well, then 80 random bits (the layout of a ULID).
 */
export function newId(kind: IdKind, now: number = Date.now()): string {
  const bytes = new Uint8Array(16);
  crypto.getRandomValues(bytes.subarray(6));
  new DataView(bytes.buffer).setUint16(0, Math.floor(now / 2 ** 32));
  new DataView(bytes.buffer).setUint32(2, now % 2 ** 32);
  return `${ID_PREFIXES[kind]}_${encode128(bytes)}`;
}

/**
 * The same id for the same parts, always: what makes an `Idempotency-Key`
 * reach the same coordinator without a store of keys (promise G9).
 */
export async function deriveId(kind: IdKind, ...parts: string[]): Promise<string> {
  const text = parts.map((part) => `${part.length}:${part}`).join("");
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `${ID_PREFIXES[kind]}_${encode128(new Uint8Array(hash))}`;
}

/** True when the text has the shape of an id of this kind. */
export function isId(kind: IdKind, text: string): boolean {
  const prefix = `${ID_PREFIXES[kind]}_`;
  return text.startsWith(prefix) && BODY.test(text.slice(prefix.length));
}

/** A zod schema for ids of one kind; the message names the kind expected. */
export function idSchema(kind: IdKind) {
  return z
    .string()
    .refine((text) => isId(kind, text), { error: `expected an id like ${ID_PREFIXES[kind]}_…` });
}
