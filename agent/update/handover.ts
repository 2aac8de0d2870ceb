/**
 * What the agent leaves for root in its own state folder, and nobody believes:
 * a release that it has downloaded, the request to install it, and the sign
 * that a version on trial has connected.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { RELEASE_MANIFEST, RELEASE_SIGNATURE, releaseVersionSchema } from "#protocol/release.ts";
import { makePrivateDirectory, writeFileAtomically } from "../files.ts";

/** Of a request, a sign and the like. */
const NOTE_MAX_BYTES = 4096;

export interface Handover {
  folder: string;
  manifest: string;
  signature: string;
  /** The tarball, under a name that does not depend on what it is. */
  archive: string;
  request: string;
  sign: string;
}

export function handoverIn(state: string): Handover {
  const folder = join(state, "update");
  return {
    folder,
    manifest: join(folder, RELEASE_MANIFEST),
    signature: join(folder, RELEASE_SIGNATURE),
    archive: join(folder, "release.tar.gz"),
    request: join(folder, "request.json"),
    sign: join(folder, "connected.json"),
  };
}

const requestSchema = z.object({ id: z.string().min(1).max(64), version: releaseVersionSchema });
export type UpdateRequest = z.infer<typeof requestSchema>;
const signSchema = z.object({ trial: z.string().max(64) });

export function writeRequest({ request }: Handover, what: UpdateRequest): void {
  writeFileAtomically(request, `${JSON.stringify(what)}\n`);
}

/** What is asked for; undefined when nothing is, or not in a way that can be understood. */
export function readRequest({ request }: Handover): UpdateRequest | undefined {
  return readNote(request, requestSchema);
}

/** Says that the version on this trial has been welcomed by the control plane. */
export function writeSign({ folder, sign }: Handover, trial: string): void {
  makePrivateDirectory(folder);
  writeFileAtomically(sign, `${JSON.stringify({ trial })}\n`);
}

export function hasSign({ sign }: Handover, trial: string): boolean {
  return readNote(sign, signSchema)?.trial === trial;
}

/** Forgets what was downloaded and asked for; the folder stays, for systemd watches it. */
export function clearHandover({ folder }: Handover): void {
  makePrivateDirectory(folder);
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
}

/**
 * Opens a file of the agent's for root, who must not be led elsewhere, nor be
 * kept waiting by a pipe.
 * @throws when it is no file, or a larger one
 */
export function openForeign(path: string, maxBytes: number): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const stats = fstatSync(fd);
  if (stats.isFile() && stats.size <= maxBytes) return fd;
  closeSync(fd);
  throw new Error(stats.isFile() ? `${path} is too large` : `${path} is not a file`);
}

function readNote<T>(path: string, schema: z.ZodType<T>): T | undefined {
  try {
    const fd = openForeign(path, NOTE_MAX_BYTES);
    try {
      const buffer = Buffer.alloc(NOTE_MAX_BYTES);
      const length = readSync(fd, buffer, 0, NOTE_MAX_BYTES, 0);
      return schema.safeParse(JSON.parse(buffer.toString("utf8", 0, length))).data;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
