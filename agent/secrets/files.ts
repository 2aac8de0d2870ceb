/**
 * Secrets that steps get as files: a folder for each attempt, in memory where
 * this host has a place for that, which goes when the attempt ends. What a
 * crash left there goes at the next start.
 */
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../config.ts";
import { makeOwnFolder } from "../files.ts";
import type { Account } from "../runners/account.ts";

export interface PlacedFiles {
  /** By variable: the path of its file. */
  paths: Record<string, string>;
  remove(): void;
}

export class SecretFiles {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /**
   * @param state the state directory: two agents of one host do not share a folder
   * @throws the system's error when there is no place at all
   */
  static open(state: string, env: Environment): SecretFiles {
    const name = `farhand-${createHash("sha256").update(state).digest("hex").slice(0, 16)}`;
    const inMemory = [env.RUNTIME_DIRECTORY, "/run", "/dev/shm"].flatMap((folder) =>
      folder ? [join(folder, name)] : [],
    );
    const root = inMemory.find(makeOwnFolder) ?? join(state, "given");
    if (!makeOwnFolder(root)) throw new Error(`cannot make a folder for secrets in ${root}`);
    for (const left of readdirSync(root)) rmSync(join(root, left), { recursive: true, force: true });
    return new SecretFiles(root);
  }

  /** Writes the files so that only the account of the step may read them. @throws the system's error */
  put(files: ReadonlyMap<string, Uint8Array>, account: Account | undefined): PlacedFiles {
    const folder = join(this.#root, randomBytes(16).toString("hex"));
    const remove = () => rmSync(folder, { recursive: true, force: true });
    try {
      mkdirSync(folder, { mode: 0o700 });
      // To be passed through by who knows the way, and not to be listed.
      if (account) chmodSync(this.#root, 0o711);
      const paths = Object.fromEntries(
        [...files].map(([variable, value]) => {
          const path = join(folder, variable);
          writeFileSync(path, value, { mode: 0o600, flag: "wx" });
          if (account) chownSync(path, account.uid, account.gid);
          return [variable, path];
        }),
      );
      // The agent's own stays the folder: what its owner puts there would be removed by the agent.
      if (account) chmodSync(folder, 0o711);
      return { paths, remove };
    } catch (error) {
      remove();
      throw error;
    }
  }
}
