/**
 * The key that people seal secrets to (X25519). It is made on this host and
 * stays here; the agent's identity vouches for it. It does not turn with the
 * identity, so that a fingerprint that somebody wrote down goes on being right.
 */
import { generateKeyPairSync } from "node:crypto";
import { z } from "zod";
import { EXIT, Failure } from "../failure.ts";
import { writeFileAtomically } from "../files.ts";
import { decodePrivateKey, encodePrivateKey, fingerprintOf, type KeyPair, readKeyFile } from "../identity.ts";

const fileSchema = z.object({
  schema: z.literal(1),
  /** Whose it is: another identity in the same folder makes another key. */
  agentId: z.string(),
  /** Raw, base64url. */
  publicKey: z.string(),
  /** PKCS #8 in base64url. */
  privateKey: z.string(),
});

export interface SealingPair extends KeyPair {
  fingerprint: string;
}

/** The agent's key; made when it has none. @throws Failure when its file is damaged, or others may read it */
export function openSealingKey(path: string, agentId: string): SealingPair {
  const found = readSealingKey(path, agentId);
  if (found) return found;
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  const { x } = publicKey.export({ format: "jwk" });
  if (x === undefined) throw new Error("an X25519 key has no public part");
  const file: z.infer<typeof fileSchema> = {
    schema: 1,
    agentId,
    publicKey: x,
    privateKey: encodePrivateKey(privateKey),
  };
  writeFileAtomically(path, `${JSON.stringify(file, null, 2)}\n`);
  return { privateKey, publicKey: x, fingerprint: fingerprintOf(x) };
}

/** @returns undefined when this agent has none. @throws Failure */
export function readSealingKey(path: string, agentId: string): SealingPair | undefined {
  const text = readKeyFile(path, "remove it if it may have been copied and seal the secrets anew");
  if (text === undefined) return undefined;
  try {
    const { agentId: owner, publicKey, privateKey } = fileSchema.parse(JSON.parse(text));
    if (owner !== agentId) return undefined;
    return { privateKey: decodePrivateKey(privateKey), publicKey, fingerprint: fingerprintOf(publicKey) };
  } catch {
    throw new Failure(`${path} is damaged: restore it, or remove it and seal the secrets anew`, EXIT.config);
  }
}
