import { constants } from "node:fs";
import { type FileHandle, open, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { SECRET_MAX_BYTES } from "#protocol/secrets.ts";
import { errorCode } from "../files.ts";
import { isSecretName, missing, SecretFailure, type SecretProvider } from "./provider.ts";

export const fileConfigSchema = z.strictObject({
  type: z.literal("file"),
  /** The folder; each file in it is a secret of its name. */
  folder: z.string().regex(/^\//, { error: "the folder of a file provider is an absolute path" }),
  /** Files that others on the host may read are taken all the same, as containers mount them. */
  sharedRead: z.boolean().default(false),
});

/** What others on the host may do to a file or folder. */
const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o022;

/** Files of one folder. Links in it are followed, but not out of it. */
export class FileProvider implements SecretProvider {
  readonly type: string;
  readonly #folder: string;
  readonly #sharedRead: boolean;

  constructor({ type, folder, sharedRead }: { type: string; folder: string; sharedRead: boolean }) {
    this.type = type;
    this.#folder = folder;
    this.#sharedRead = sharedRead;
  }

  async list(): Promise<string[]> {
    try {
      return (await readdir(this.#folder)).filter(isSecretName);
    } catch (error) {
      if (errorCode(error) === "ENOENT") return [];
      throw new SecretFailure(
        "secret_failed",
        `cannot read the folder ${this.#folder} (${errorCode(error)})`,
      );
    }
  }

  async resolve(name: string): Promise<Buffer> {
    const path = join(this.#folder, name);
    let handle: FileHandle | undefined;
    try {
      const [folder, real] = await Promise.all([realpath(this.#folder), realpath(path)]);
      if (!real.startsWith(`${folder}/`)) {
        throw new SecretFailure("secret_denied", `${path} leads out of its folder`);
      }
      // Never waits for the writer of a pipe.
      handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
      const { mode, size } = await handle.stat().then((stat) => {
        if (!stat.isFile()) throw new SecretFailure("secret_failed", `${path} is no file`);
        return stat;
      });
      this.#checkMode(path, mode);
      if (size > SECRET_MAX_BYTES) {
        throw new SecretFailure("secret_failed", `${path} is over ${SECRET_MAX_BYTES / 1024} KiB`);
      }
      return await handle.readFile();
    } catch (error) {
      if (error instanceof SecretFailure) throw error;
      const code = errorCode(error);
      if (code === "ENOENT" || code === "ENOTDIR") throw missing(name, `the folder ${this.#folder}`);
      const isDenied = code === "EACCES" || code === "EPERM";
      throw new SecretFailure(
        isDenied ? "secret_denied" : "secret_failed",
        isDenied ? `the agent may not read ${path}` : `cannot read ${path} (${code})`,
      );
    } finally {
      await handle?.close();
    }
  }

  #checkMode(path: string, mode: number): void {
    const problem =
      (mode & OTHERS_WRITE) !== 0
        ? "may be written by others"
        : (mode & OTHERS_READ) !== 0 && !this.#sharedRead
          ? "may be read by everybody"
          : undefined;
    if (problem) throw new SecretFailure("secret_denied", `${path} ${problem} on this host: chmod 600 it`);
  }
}
