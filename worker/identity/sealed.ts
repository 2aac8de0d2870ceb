/**
 * Keeps the few secrets of its own that the control plane has to read again,
 * such as what signs webhooks: AES-256-GCM under a key derived from
 * AUTH_SECRET, bound to what the secret is for. The database alone is no use
 * to whoever copies it.
 */
import { base64url } from "jose";

const IV_BYTES = 12;

/** @param purpose what it is the secret of; it can be opened for that only */
export async function seal(authSecret: string, purpose: string, secret: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const bytes = new TextEncoder().encode(secret);
  const sealed = await crypto.subtle.encrypt(parameters(iv, purpose), await keyFrom(authSecret), bytes);
  return base64url.encode(Buffer.concat([iv, new Uint8Array(sealed)]));
}

/** Undefined when it was sealed with another AUTH_SECRET or for another purpose, or is damaged. */
export async function unseal(
  authSecret: string,
  purpose: string,
  sealed: string,
): Promise<string | undefined> {
  const bytes = new Uint8Array(base64url.decode(sealed));
  const key = await keyFrom(authSecret);
  try {
    const how = parameters(bytes.subarray(0, IV_BYTES), purpose);
    return new TextDecoder().decode(await crypto.subtle.decrypt(how, key, bytes.subarray(IV_BYTES)));
  } catch {
    return undefined;
  }
}

function parameters(iv: Uint8Array<ArrayBuffer>, purpose: string) {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(purpose) };
}

async function keyFrom(authSecret: string): Promise<CryptoKey> {
  const encoder = new TextEncoder();
  const base = await crypto.subtle.importKey("raw", encoder.encode(authSecret), "HKDF", false, ["deriveKey"]);
  const info = encoder.encode("farhand sealed secrets");
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  return crypto.subtle.deriveKey(derivation, base, { name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
}
