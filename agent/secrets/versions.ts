/**
 * Which version of each sealed secret came in last, so that none that was sealed
 * before it comes in again. A removed one is remembered for as long as an
 * envelope of it could still be taken.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { SEALED_LIFE_MS } from "#protocol/sealing/envelope.ts";
import { secretNameSchema } from "#protocol/secrets.ts";
import { errorCode, makePrivateDirectory, writeFileAtomically } from "../files.ts";
import { SecretFailure } from "./provider.ts";

/** Not the name of any secret. */
const FILE = ".versions.json";

const versionSchema = z.object({
  /** When it was sealed, ms since the epoch. */
  version: z.number(),
  /** SHA-256 of the envelope, hex: what tells its repeat from another of the same time. */
  digest: z.string(),
  removed: z.boolean(),
});
export type SealedVersion = z.infer<typeof versionSchema>;
const versionsSchema = z.record(secretNameSchema, versionSchema);

export class SealedVersions {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws SecretFailure when the file cannot be read: then nothing may be taken */
  all(): Map<string, SealedVersion> {
    try {
      const file = JSON.parse(readFileSync(join(this.#folder, FILE), "utf8"));
      return new Map(Object.entries(versionsSchema.parse(file)));
    } catch (error) {
      if (errorCode(error) === "ENOENT") return new Map();
      const detail = `${join(this.#folder, FILE)} cannot be read, and says which secrets are new: restore it, or remove the folder and seal the secrets anew`;
      throw new SecretFailure("secret_failed", detail);
    }
  }

  /** @param now ms since the epoch. @throws the system's error */
  note(name: string, version: SealedVersion, now: number): void {
    const isOpen = ({ removed, version }: SealedVersion) => !removed || version > now - SEALED_LIFE_MS;
    const kept = [...this.all().set(name, version)].filter(([, each]) => isOpen(each));
    makePrivateDirectory(this.#folder);
    writeFileAtomically(join(this.#folder, FILE), `${JSON.stringify(Object.fromEntries(kept))}\n`);
  }
}
