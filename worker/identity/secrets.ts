/**
 * The secrets that Farhand hands out: `fh_<kind>_<32 base62>_<6 base62>`. The
 * last part is a CRC-32 over the rest, so a mistyped or made-up one is refused
 * without asking the database, and leaked ones are easy to search for. Only
 * the SHA-256 is stored: with 190 random bits it needs no salt.
 */
import { crc32 } from "node:zlib";
import { sha256Hex } from "#protocol/digest.ts";

const KINDS = { apiKey: "live", joinToken: "join" } as const;
export type SecretKind = keyof typeof KINDS;

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BODY_LENGTH = 32;
const CHECK_LENGTH = 6;
const HINT_LENGTH = 4;

export interface MintedSecret {
  /** Shown once, never stored. */
  secret: string;
  hash: string;
  /** The first characters: enough to recognise it by, no help in guessing it. */
  hint: string;
}

export async function mintSecret(kind: SecretKind): Promise<MintedSecret> {
  const payload = `fh_${KINDS[kind]}_${randomBase62(BODY_LENGTH)}`;
  const secret = `${payload}_${checksum(payload)}`;
  return { secret, hash: await sha256Hex(secret), hint: payload.slice(0, -(BODY_LENGTH - HINT_LENGTH)) };
}

/** The hash to look a secret up by, or null when it cannot be one of ours. */
export async function secretHash(kind: SecretKind, secret: string): Promise<string | null> {
  const match = /^(fh_([a-z]+)_[0-9A-Za-z]{32})_([0-9A-Za-z]{6})$/.exec(secret);
  if (match?.[2] !== KINDS[kind] || match[1] === undefined) return null;
  return checksum(match[1]) === match[3] ? sha256Hex(secret) : null;
}

function checksum(payload: string): string {
  let value = crc32(payload);
  let text = "";
  for (let i = 0; i < CHECK_LENGTH; i++) {
    text = BASE62.charAt(value % 62) + text;
    value = Math.floor(value / 62);
  }
  return text;
}

/** Bytes from 248 on would favour the first letters, so they are thrown away. */
function randomBase62(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < 248 && text.length < length) text += BASE62.charAt(byte % 62);
    }
  }
  return text;
}
