/**
 * Sealing and opening: HPKE (RFC 9180) in base mode, with DHKEM(X25519,
 * HKDF-SHA256), HKDF-SHA256 and AES-256-GCM. Whoever carries an envelope can
 * neither read it nor pass it off under another name, version, agent or
 * organization. Anybody can make one: it proves nothing about its sender.
 */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { fromBase64url, toBase64url } from "../base64url.ts";
import { canonicalJson } from "../digest.ts";
import { SECRET_MAX_BYTES } from "../secrets.ts";
import { SEALED_HEADER_BYTES, SEALING_KEY_BYTES, type SealedEnvelope } from "./envelope.ts";
import { sealingFingerprint } from "./keys.ts";

/** For whom, and as what. */
export interface SealedFor {
  organizationId: string;
  agentId: string;
  /** Of the secret. */
  name: string;
}

/** The least that a value is padded to. */
const PADDED_MIN_BYTES = 256;

const utf8 = new TextEncoder();
/** What these keys are used for; part of every key that HPKE derives. */
const INFO = utf8.encode("farhand.secret.v1");

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/**
 * @param publicKey of the agent: raw X25519, base64url
 * @param value at most `SECRET_MAX_BYTES`
 * @throws Error in words where the platform has no X25519, or the key is none
 */
export async function sealSecret(
  to: SealedFor,
  publicKey: string,
  value: Uint8Array,
  version: number,
): Promise<SealedEnvelope> {
  const key = await sealingFingerprint(publicKey);
  const plaintext = padded(value);
  try {
    const recipientPublicKey = await suite.kem.deserializePublicKey(
      fromBase64url(publicKey) ?? new Uint8Array(),
    );
    const { enc, ct } = await suite.seal({ recipientPublicKey, info: INFO }, plaintext, boundTo(to, version));
    const sealed = new Uint8Array(enc.byteLength + ct.byteLength);
    sealed.set(new Uint8Array(enc));
    sealed.set(new Uint8Array(ct), enc.byteLength);
    return { version, key, sealed: toBase64url(sealed) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The secret could not be sealed: either this is no X25519 key, or this program does not know X25519 (${why}).`,
    );
  } finally {
    plaintext.fill(0);
  }
}

/**
 * The value; undefined when it was sealed to another key, or for something else.
 * @param privateKey X25519, for `deriveBits`
 */
export async function openSecret(
  to: SealedFor,
  privateKey: CryptoKey,
  { sealed, version }: Pick<SealedEnvelope, "sealed" | "version">,
): Promise<Uint8Array | undefined> {
  const bytes = fromBase64url(sealed);
  if (!bytes) return undefined;
  const enc = bytes.subarray(0, SEALING_KEY_BYTES);
  try {
    const opened = await suite.open(
      { recipientKey: privateKey, enc, info: INFO },
      bytes.subarray(SEALING_KEY_BYTES),
      boundTo(to, version),
    );
    return unpadded(new Uint8Array(opened));
  } catch {
    return undefined;
  }
}

function boundTo({ organizationId, agentId, name }: SealedFor, version: number): Uint8Array {
  return utf8.encode(canonicalJson({ organizationId, agentId, name, version }));
}

/** The length in four bytes, the value, and zeros up to a power of two: the ciphertext tells the length only roughly. */
function padded(value: Uint8Array): Uint8Array {
  if (value.length > SECRET_MAX_BYTES) throw new RangeError("the value is too long to be sealed");
  const size = Math.max(PADDED_MIN_BYTES, 2 ** Math.ceil(Math.log2(Math.max(1, value.length))));
  const whole = new Uint8Array(SEALED_HEADER_BYTES + size);
  new DataView(whole.buffer).setUint32(0, value.length);
  whole.set(value, SEALED_HEADER_BYTES);
  return whole;
}

function unpadded(whole: Uint8Array): Uint8Array | undefined {
  if (whole.length < SEALED_HEADER_BYTES) return undefined;
  const length = new DataView(whole.buffer, whole.byteOffset).getUint32(0);
  const end = SEALED_HEADER_BYTES + length;
  return length <= SECRET_MAX_BYTES && end <= whole.length
    ? whole.slice(SEALED_HEADER_BYTES, end)
    : undefined;
}
