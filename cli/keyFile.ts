/** The file with a private key: PKCS #8 as PEM, readable by its owner alone, encrypted where a passphrase was given. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Signer } from "#protocol/signatures/jws.ts";
import { publicKeyOf } from "#protocol/signatures/keys.ts";
import { EXIT, Failure } from "./failure.ts";

export const KEY_KINDS = ["ed25519", "p256"] as const;

/** Where the key is unless somebody says otherwise. */
export function keyPath(flag: string | undefined, env: Record<string, string | undefined>): string {
  if (flag !== undefined) return flag;
  if (env.FARHAND_SIGNING_KEY) return env.FARHAND_SIGNING_KEY;
  return join(env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "farhand", "signing-key.pem");
}

/** Makes a key and writes it; the answer is its public half. @throws Failure when there is a file already */
export function createKeyFile(
  path: string,
  kind: (typeof KEY_KINDS)[number],
  passphrase: string | undefined,
): string {
  const { privateKey, publicKey } =
    kind === "ed25519"
      ? generateKeyPairSync("ed25519")
      : generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const pem = privateKey.export({
    ...{ type: "pkcs8", format: "pem" },
    ...(passphrase !== undefined && { cipher: "aes-256-cbc", passphrase }),
  });
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, pem, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (codeOf(error) === "EEXIST") {
      throw new Failure(`${path} is there already, and a key that is lost cannot be had back; name another`);
    }
    throw new Failure(`cannot write ${path}: ${codeOf(error)}`);
  }
  return textOf(publicKey);
}

/**
 * @param ask for the passphrase of a key that has one
 * @throws Failure when it cannot be read, is no key to sign with, or others may read it too
 */
export async function loadSigner(path: string, ask: () => Promise<string>): Promise<Signer> {
  let pem: string;
  try {
    if ((statSync(path).mode & 0o077) !== 0) {
      throw new Failure(
        `others may read ${path}: run "chmod 600 ${path}", or make a new key if it was copied`,
      );
    }
    pem = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (codeOf(error) !== "ENOENT") throw new Failure(`cannot read ${path}: ${codeOf(error)}`);
    throw new Failure(`there is no key at ${path}: make one with "farhand keygen"`, EXIT.usage);
  }
  const passphrase = pem.includes("ENCRYPTED") ? await ask() : undefined;
  const privateKey = keyOf(pem, passphrase, path);
  const digest = privateKey.asymmetricKeyType === "ed25519" ? null : "sha256";
  return {
    publicKey: textOf(createPublicKey(privateKey)),
    sign: async (data) => sign(digest, data, { key: privateKey, dsaEncoding: "ieee-p1363" }),
  };
}

function keyOf(pem: string, passphrase: string | undefined, path: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, ...(passphrase !== undefined && { passphrase }) });
  } catch {
    throw new Failure(
      passphrase === undefined
        ? `${path} holds no private key in PEM form`
        : `${path} does not open with this passphrase`,
    );
  }
}

function textOf(publicKey: KeyObject): string {
  const text = publicKeyOf(publicKey.export({ format: "jwk" }));
  if (text === undefined)
    throw new Failure("the key is neither Ed25519 nor P-256; make one with farhand keygen");
  return text;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
