/**
 * The agent's key, and the one it goes over to. The next key is on disk before
 * anybody hears of it, and the old one until the next has opened a connection,
 * so whatever a crash leaves, one of the two is good.
 */
import { rmSync } from "node:fs";
import { z } from "zod";
import { EXIT, Failure } from "./failure.ts";
import { syncDirectory, writeFileAtomically } from "./files.ts";
import {
  decodePrivateKey,
  encodePrivateKey,
  generateKeyPair,
  type Identity,
  type KeyPair,
  readKeyFile,
  saveIdentity,
} from "./identity.ts";
import type { StatePaths } from "./paths.ts";

const nextKeySchema = z.object({
  schema: z.literal(1),
  agentId: z.string(),
  publicKey: z.string(),
  privateKey: z.string(),
});

type KeyPaths = Pick<StatePaths, "identity" | "nextKey">;

export class KeyRing {
  readonly #paths: KeyPaths;
  #identity: Identity;
  #next: KeyPair | undefined;
  #usesNext = false;

  /** Reads what an earlier run left of a change of keys. @throws Failure when it is damaged */
  static open(paths: KeyPaths, identity: Identity): KeyRing {
    return new KeyRing(paths, identity, nextOf(paths.nextKey, identity));
  }

  private constructor(paths: KeyPaths, identity: Identity, next: KeyPair | undefined) {
    this.#paths = paths;
    this.#identity = identity;
    this.#next = next;
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** The key to sign with now. */
  get active(): KeyPair {
    return this.#usesNext && this.#next ? this.#next : this.#identity;
  }

  /** The key that the agent is going over to, if it is. */
  get next(): KeyPair | undefined {
    return this.#next;
  }

  /** When the agent's key was made, ms since the epoch. */
  get madeAt(): number {
    return Date.parse(this.#identity.keyMadeAt ?? this.#identity.enrolledAt);
  }

  /** Makes the next key, or takes the one that was made before. */
  prepare(): KeyPair {
    if (this.#next) return this.#next;
    const pair = generateKeyPair();
    const file: z.infer<typeof nextKeySchema> = {
      schema: 1,
      agentId: this.#identity.agentId,
      publicKey: pair.publicKey,
      privateKey: encodePrivateKey(pair.privateKey),
    };
    writeFileAtomically(this.#paths.nextKey, `${JSON.stringify(file, null, 2)}\n`);
    this.#next = pair;
    return pair;
  }

  /** The control plane knows the next key: connect with it. */
  goOver(): void {
    this.#usesNext = this.#next !== undefined;
  }

  /**
   * An assertion signed with this key was refused.
   * @returns true when another one may do
   */
  refused({ publicKey }: KeyPair): boolean {
    if (publicKey !== this.active.publicKey) return true;
    if (!this.#next) return false;
    this.#usesNext = !this.#usesNext;
    return this.#usesNext;
  }

  /** A connection was opened with this key: if it is the next one, it is the agent's own from now on. */
  proved({ publicKey }: KeyPair, now: number): boolean {
    const next = this.#next;
    if (!next || next.publicKey !== publicKey) return false;
    this.#identity = { ...this.#identity, ...next, keyMadeAt: new Date(now).toISOString() };
    saveIdentity(this.#paths.identity, this.#identity);
    forgetNext(this.#paths.nextKey);
    this.#next = undefined;
    this.#usesNext = false;
    return true;
  }
}

function forgetNext(path: string): void {
  rmSync(path, { force: true });
  syncDirectory(path.slice(0, path.lastIndexOf("/")));
}

/** The next key on disk; one that has been taken over, or was another agent's, is cleared away. */
function nextOf(path: string, identity: Identity): KeyPair | undefined {
  const next = readNextKey(path);
  if (next === undefined || (next.agentId === identity.agentId && next.publicKey !== identity.publicKey)) {
    return next;
  }
  forgetNext(path);
  return undefined;
}

/** What is on disk of a change of keys. @throws Failure when it is damaged, or not the agent's alone */
export function readNextKey(path: string): (KeyPair & { agentId: string }) | undefined {
  const text = readKeyFile(path, "enroll again with --force if it may have been copied");
  if (text === undefined) return undefined;
  try {
    const { agentId, publicKey, privateKey } = nextKeySchema.parse(JSON.parse(text));
    return { agentId, publicKey, privateKey: decodePrivateKey(privateKey) };
  } catch {
    throw new Failure(
      `${path} is damaged: remove it, and if the agent is refused then, enroll this host again, with a new join token and --force`,
      EXIT.config,
    );
  }
}
