import canonicalize from "canonicalize";

/**
 * JSON in the canonical form of RFC 8785, the only form that is ever hashed.
 * @throws TypeError for values JSON cannot hold.
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("value has no JSON form");
  return text;
}

/** Lower-case hex of bytes. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** SHA-256 of a text (as UTF-8) or of bytes, in lower-case hex. */
export async function sha256Hex(input: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** SHA-256 over the canonical JSON of a value. */
export function digestOf(value: unknown): Promise<string> {
  return sha256Hex(canonicalJson(value));
}
