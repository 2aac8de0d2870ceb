/** The keys that an agent was given by its own host, and what counts as a signature of one of them. */
import { createHash, type KeyObject, verify } from "node:crypto";
import { type ReadSignature, readSignature } from "#protocol/signatures/jws.ts";
import { type Algorithm, algorithmOf, thumbprintInput } from "#protocol/signatures/keys.ts";
import { keyObjectOf } from "./keyObject.ts";
import type { SignatureRequirement, SignerRole } from "./requirement.ts";

interface PinnedKey {
  name: string;
  roles: readonly SignerRole[];
  algorithm: Algorithm;
  key: KeyObject;
}

/** By thumbprint: the only thing that a signature's `kid` can select from. */
export type PinnedKeys = ReadonlyMap<string, PinnedKey>;

/** @throws the system's error for a key that is no point of its curve */
export function pinKeys({ keys }: SignatureRequirement): PinnedKeys {
  return new Map(
    keys.map(({ name, roles, publicKey }) => {
      const thumbprint = createHash("sha256").update(thumbprintInput(publicKey)).digest("base64url");
      const key = keyObjectOf(publicKey);
      return [thumbprint, { name, roles, algorithm: algorithmOf(publicKey), key }];
    }),
  );
}

export type Verified =
  | { ok: true; name: string; statement: ReadSignature["statement"] }
  | { ok: false; problem: string };

/** Whose signature this is, in the role; a problem is in words that go on from "the signature". */
export function verifySignature(keys: PinnedKeys, text: string, role: SignerRole): Verified {
  const reading = readSignature(text);
  if (!reading.ok) return reading;
  const { statement, algorithm, kid, signed, signature } = reading.read;
  const pinned = keys.get(kid);
  const problem = (words: string): Verified => ({ ok: false, problem: words });
  if (!pinned) return problem(`is of a key that this host does not know (${kid})`);
  const { name, key } = pinned;
  if (!pinned.roles.includes(role)) return problem(`of "${name}" does not count as that of an ${role} here`);
  if (pinned.algorithm !== algorithm)
    return problem(`says ${algorithm}, and the key of "${name}" is for ${pinned.algorithm}`);
  const holds =
    algorithm === "EdDSA"
      ? verify(null, signed, key, signature)
      : verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature);
  return holds ? { ok: true, name, statement } : problem(`is not one that the key of "${name}" made`);
}
