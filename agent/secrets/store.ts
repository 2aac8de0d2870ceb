/**
 * Secrets kept by the agent itself: each in a file of its own, encrypted with
 * AES-256-GCM under a key that lies beside them. That keeps values out of
 * backups and listings of the folder, not from root of this host.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../failure.ts";
import { errorCode, makePrivateDirectory, syncDirectory, writeFileAtomically } from "../files.ts";
import { isSecretName, missing, SecretFailure, type SecretProvider } from "./provider.ts";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

export class SecretStore implements SecretProvider {
  readonly type: string;
  readonly #folder: string;
  readonly #keyFile: string;

  /**
   * @param folder in the state directory; made when the first secret is
   * @param type its kind, as it is told
   */
  constructor(folder: string, type = "store") {
    this.type = type;
    this.#folder = folder;
    this.#keyFile = join(folder, ".key");
  }

  async list(): Promise<string[]> {
    try {
      return readdirSync(this.#folder).filter((name) => isSecretName(name));
    } catch (error) {
      if (errorCode(error) === "ENOENT") return [];
      throw new SecretFailure("secret_failed", `cannot read ${this.#folder} (${errorCode(error)})`);
    }
  }

  async resolve(name: string): Promise<Buffer> {
    let bytes: Buffer;
    try {
      bytes = Buffer.from(readFileSync(join(this.#folder, name), "latin1"), "base64");
    } catch (error) {
      if (errorCode(error) === "ENOENT") throw missing(name, "the agent's store");
      throw new SecretFailure("secret_failed", `the agent's store cannot be read (${errorCode(error)})`);
    }
    try {
      const decipher = createDecipheriv(CIPHER, this.#key(), bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(name));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    } catch {
      const detail = `"${name}" in the agent's store is damaged, or its key is another: set it again`;
      throw new SecretFailure("secret_failed", detail);
    }
  }

  /** Keeps a value. After a crash it is the old one or the new one. @throws the system's error */
  set(name: string, value: Uint8Array): void {
    makePrivateDirectory(this.#folder);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#keyOrNew(), nonce, { authTagLength: TAG_BYTES });
    // A file that is given another's name does not open.
    cipher.setAAD(Buffer.from(name));
    const encrypted = Buffer.concat([cipher.update(value), cipher.final()]);
    const whole = Buffer.concat([nonce, cipher.getAuthTag(), encrypted]);
    const text = `${whole.toString("base64")}\n`;
    // No secret's name begins with a dot, and `db.new` could be one.
    writeFileAtomically(join(this.#folder, name), text, 0o600, join(this.#folder, `.${name}.new`));
  }

  /** @returns false when there was none */
  remove(name: string): boolean {
    try {
      // Not rmSync, whose errors do not say that a disk is read-only.
      unlinkSync(join(this.#folder, name));
    } catch (error) {
      if (errorCode(error) === "ENOENT") return false;
      throw error;
    }
    syncDirectory(this.#folder);
    return true;
  }

  #key(): Buffer {
    const key = readFileSync(this.#keyFile);
    if (key.length !== KEY_BYTES) {
      throw new Failure(
        `${this.#keyFile} is damaged: restore it, or remove ${this.#folder} and set its secrets again`,
      );
    }
    return key;
  }

  /** The first to put a key into its place wins; it is whole then, also where a full disk or a crash cut another short. */
  #keyOrNew(): Buffer {
    if (existsSync(this.#keyFile)) return this.#key();
    const draft = `${this.#keyFile}.${process.pid}`;
    try {
      writeFileSync(draft, randomBytes(KEY_BYTES), { mode: 0o600, flush: true });
      linkSync(draft, this.#keyFile);
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    } finally {
      rmSync(draft, { force: true });
    }
    return this.#key();
  }
}
