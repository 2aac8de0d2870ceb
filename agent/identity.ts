/** Who this agent is: made once by `enroll`, read by everything else. */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { EXIT, Failure } from "./failure.ts";
import { errorCode, writeFileAtomically } from "./files.ts";
import { invocation } from "./invocation.ts";
import type { StatePaths } from "./paths.ts";

const identityFileSchema = z.object({
  schema: z.literal(1),
  /** Origin of the control plane, such as `https://farhand.example.com`. */
  url: z.string(),
  agentId: z.string(),
  organizationId: z.string(),
  poolId: z.string(),
  poolName: z.string(),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  slots: z.number().int().min(1).max(1024),
  enrolledAt: z.string(),
  /** When its present key was made; absent while it is the one that it enrolled with. */
  keyMadeAt: z.string().optional(),
  /** The HTTP proxy through which it enrolled, with user and password if it has them. */
  proxy: z.string().optional(),
  /** Certificates in PEM of authorities that it trusts beside those of its host. */
  ca: z.string().optional(),
  /** Raw Ed25519 public key, base64url. */
  publicKey: z.string(),
  /** Ed25519 private key, PKCS #8 in base64url. Never leaves this host. */
  privateKey: z.string(),
});
type IdentityFile = z.infer<typeof identityFileSchema>;

export interface Identity extends Omit<IdentityFile, "schema" | "privateKey"> {
  privateKey: KeyObject;
}

export interface KeyPair {
  privateKey: KeyObject;
  /** Raw, base64url. */
  publicKey: string;
}

export function generateKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const { x } = publicKey.export({ format: "jwk" });
  if (x === undefined) throw new Error("an Ed25519 key has no public part");
  return { privateKey, publicKey: x };
}

/** SHA-256 of the raw public key in lower-case hex: what the web app shows too. */
export function fingerprintOf(publicKey: string): string {
  return createHash("sha256").update(Buffer.from(publicKey, "base64url")).digest("hex");
}

/** PKCS #8 in base64url. */
export function encodePrivateKey(key: KeyObject): string {
  return key.export({ format: "der", type: "pkcs8" }).toString("base64url");
}

export function decodePrivateKey(text: string): KeyObject {
  return createPrivateKey({ key: Buffer.from(text, "base64url"), format: "der", type: "pkcs8" });
}

/**
 * The text of a file that holds a private key.
 * @param ifCopied what to do when others may have read it
 * @returns undefined when there is none
 * @throws Failure when it cannot be read, other users may read it, or it is another user's
 */
export function readKeyFile(path: string, ifCopied: string): string | undefined {
  let fd: number;
  try {
    // Never waits for somebody to write into a pipe.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    if (["EACCES", "EPERM"].includes(errorCode(error) ?? "")) {
      throw new Failure(deniedWords(path, ifCopied), EXIT.config);
    }
    throw new Failure(`cannot read ${path}: ${errorCode(error) ?? "unknown error"}`);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Failure(`${path} is not a file`, EXIT.config);
    const problem = holdingProblem(path, stats);
    if (problem === undefined) return readFileSync(fd, "utf8");
    throw new Failure(keyWords(path, problem, ifCopied), EXIT.config);
  } finally {
    closeSync(fd);
  }
}

function keyWords(path: string, problem: string, ifCopied: string): string {
  return `${path} holds a private key and ${problem}, or ${ifCopied}`;
}

/** Who cannot read a key as the agent's own user is not told to become that user. */
function deniedWords(path: string, ifCopied: string): string {
  const user = process.geteuid?.() ?? 0;
  try {
    const { uid, mode } = statSync(path);
    const isOwnFolder = statSync(dirname(path)).uid === user;
    if (isOwnFolder && uid === 0) return keyWords(path, rootsWords(path, user), ifCopied);
    if (uid === user && (mode & 0o400) === 0) {
      return `${path} cannot be read by the user that it belongs to: run "chmod 600 ${path}"`;
    }
  } catch {
    // The folder lets nobody else look either.
  }
  return `this user may not read ${path}: run as root, or as the user that the agent runs as`;
}

function rootsWords(path: string, user: number): string {
  return `belongs to root, and the agent, which runs as user ${user}, may not read it: run "chown ${user} ${path}"`;
}

/** Why a key is not the agent's alone, or not the agent's at all, and what to do. Root may look at the agent of whoever owns the folder. */
function holdingProblem(path: string, { uid, mode }: Stats): string | undefined {
  if ((mode & 0o077) !== 0) return `other users may read it: run "chmod 600 ${path}"`;
  const user = process.geteuid?.() ?? 0;
  const owner = user === 0 ? statSync(dirname(path)).uid : user;
  if (uid === owner) return undefined;
  // Root can read it whoever it belongs to; any other user that could was given the right to.
  if (uid === 0) return user === 0 ? rootsWords(path, owner) : undefined;
  return `belongs to user ${uid}, who can read and replace it: run "chown ${owner} ${path}"`;
}

export function saveIdentity(path: string, identity: Identity): void {
  const { privateKey, ...rest } = identity;
  const file: IdentityFile = {
    schema: 1,
    ...rest,
    privateKey: encodePrivateKey(privateKey),
  };
  writeFileAtomically(path, `${JSON.stringify(file, null, 2)}\n`);
}

/** @throws Failure when this state directory has never been enrolled, or its identity is damaged */
export function requireIdentity({ root, identity }: Pick<StatePaths, "root" | "identity">): Identity {
  const loaded = loadIdentity(identity);
  if (loaded) return loaded;
  throw new Failure(
    `this host is not enrolled (nothing in ${root}): run "${invocation()} enroll" first`,
    EXIT.config,
  );
}

/**
 * @returns undefined when this state directory has never been enrolled.
 * @throws Failure when the file is damaged, or readable by other users, or another user's.
 */
export function loadIdentity(path: string): Identity | undefined {
  const text = readKeyFile(path, "enroll again with --force if it may have been copied");
  if (text === undefined) return undefined;
  try {
    const { schema: _, privateKey, ...rest } = identityFileSchema.parse(JSON.parse(text));
    return { ...rest, privateKey: decodePrivateKey(privateKey) };
  } catch {
    throw new Failure(
      `${path} is damaged: enroll this host again, with a new join token and --force; one that is set back to a backup looks like a copy`,
      EXIT.config,
    );
  }
}
