/** Takes a release in, as root: out of the agent's reach first, then checked, then unpacked. */
import { execFile } from "node:child_process";
import {
  chmodSync,
  closeSync,
  createReadStream,
  createWriteStream,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { inWords, syncDirectory } from "../files.ts";
import { wordsOf } from "../log.ts";
import { type Handover, handoverIn, openForeign } from "./handover.ts";
import type { Installation } from "./installation.ts";
import {
  ARCHIVE_MAX_BYTES,
  type Expected,
  MANIFEST_MAX_BYTES,
  readRelease,
  requireArtifact,
  SIGNATURE_MAX_BYTES,
} from "./release.ts";

const TRY_TIMEOUT_MS = 30_000;
const run = promisify(execFile);

/** Works with an empty folder that only root may enter, with the names of a handover; it is gone afterwards. */
export async function withIncoming(
  { root, incoming }: Installation,
  work: (files: Handover) => Promise<void>,
): Promise<void> {
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { mode: 0o700 });
  try {
    const files = handoverIn(incoming);
    mkdirSync(files.folder);
    await work(files);
  } catch (error) {
    throw inWords(error, root);
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
}

/** Copies what the agent has left: what is checked then cannot be changed by it any more. @throws Error */
export async function takeIn(from: Handover, to: Handover): Promise<void> {
  await copyForeign(from.manifest, to.manifest, MANIFEST_MAX_BYTES);
  await copyForeign(from.signature, to.signature, SIGNATURE_MAX_BYTES);
  await copyForeign(from.archive, to.archive, ARCHIVE_MAX_BYTES);
}

/**
 * Makes the version's folder, whole or not at all, once everything about it fits.
 * @param files in a folder of root's
 * @throws Error in words
 */
export async function stage(installation: Installation, files: Handover, expected: Expected): Promise<void> {
  const { root } = installation;
  const { version } = expected;
  const folder = join(root, version);
  const draft = `${folder}.new`;
  try {
    await requireArtifact(files.archive, await readRelease(files, expected));
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft);
    chmodSync(draft, 0o755);
    await unpack(files.archive, draft);
    await requireRuns(draft, version);
    syncTree(draft);
    rmSync(folder, { recursive: true, force: true });
    renameSync(draft, folder);
    syncDirectory(root);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
}

async function copyForeign(from: string, to: string, maxBytes: number): Promise<void> {
  const fd = openForeign(from, maxBytes);
  // One byte more would be more than was there a moment ago.
  await pipeline(createReadStream(from, { fd, end: maxBytes - 1 }), createWriteStream(to, { mode: 0o600 }));
}

async function unpack(archive: string, folder: string): Promise<void> {
  try {
    await run("tar", ["-xzf", archive, "-C", folder, "--strip-components=1", "--no-same-owner"]);
  } catch (error) {
    const isFull = /no space left|quota/i.test(wordsOf(error));
    if (isFull) throw new Error(`the disk that holds ${folder} is full: make room on it and try again`);
    throw new Error(`the release cannot be unpacked: ${wordsOf(error)}`);
  }
}

/** Whether it runs on this host at all, and is what it says. */
async function requireRuns(folder: string, version: string): Promise<void> {
  let said: string;
  try {
    const program = join(folder, "farhand-agent");
    said = (await run(program, ["--version"], { timeout: TRY_TIMEOUT_MS, cwd: "/" })).stdout.trim();
  } catch (error) {
    throw new Error(`release ${version} does not run on this host: ${wordsOf(error)}`);
  }
  if (said !== version) throw new Error(`release ${version} holds a program that says it is ${said}`);
}

/** Flushes every file and folder, so that no loss of power leaves a link to half a program. */
function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() && !entry.isDirectory()) continue;
    const fd = openSync(join(entry.parentPath, entry.name), "r");
    fsyncSync(fd);
    closeSync(fd);
  }
  syncDirectory(folder);
}
