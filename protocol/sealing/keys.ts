/** The keys of agents that secrets are sealed to, and how a person knows that one is an agent's own. */
import { fromBase64url } from "../base64url.ts";
import { canonicalJson, sha256Hex } from "../digest.ts";
import type { SealingKey } from "./envelope.ts";

interface Owner {
  organizationId: string;
  agentId: string;
}

/** What an agent signs with its Ed25519 key, so that nobody can pass off another key as its own. */
export function sealingStatement(
  { organizationId, agentId }: Owner,
  publicKey: string,
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    new TextEncoder().encode(
      canonicalJson({ type: "farhand.sealing.v1", organizationId, agentId, publicKey }),
    ),
  );
}

/** SHA-256 of a raw public key in lower-case hex, as `farhand-agent status` shows it. */
export function sealingFingerprint(publicKey: string): Promise<string> {
  return sha256Hex(fromBase64url(publicKey) ?? new Uint8Array());
}

/**
 * True when the owner of an identity key has signed this key as its own. That
 * says nothing of whose the identity is: fingerprints have to be compared.
 * @param identityKey raw Ed25519, base64url
 */
export async function isSignedByOwner(
  owner: Owner,
  { publicKey, signature }: SealingKey,
  identityKey: string,
): Promise<boolean> {
  const [key, bytes] = [fromBase64url(identityKey), fromBase64url(signature)];
  if (!key || !bytes) return false;
  try {
    const imported = await crypto.subtle.importKey("raw", key, "Ed25519", true, ["verify"]);
    return await crypto.subtle.verify("Ed25519", imported, bytes, sealingStatement(owner, publicKey));
  } catch {
    // No point of the curve, or a platform that does not know it: either way it is not shown to be good.
    return false;
  }
}
