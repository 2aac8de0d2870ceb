/** Fetches a release from the control plane, bounded in size and time, and checks it. */
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { RELEASE_MANIFEST, RELEASE_PATHS, RELEASE_SIGNATURE } from "#protocol/release.ts";
import { getStream, type Transport } from "../connection/transport.ts";
import { errorCode, freeBytes, inWords } from "../files.ts";
import { wordsOf } from "../log.ts";
import {
  type Expected,
  MANIFEST_MAX_BYTES,
  readRelease,
  requireArtifact,
  SIGNATURE_MAX_BYTES,
} from "./release.ts";

const TIMEOUT_MS = 30 * 60_000;
/** Kept free beside what is downloaded. */
const RESERVE_BYTES = 64 * 1024 * 1024;

export interface Download extends Expected {
  /** The way to the control plane. */
  transport: Transport;
  files: { manifest: string; signature: string; archive: string };
}

/**
 * Leaves the three files of a release that is to be installed here.
 * @throws Error in words
 */
export async function downloadRelease({ transport, files, ...expected }: Download): Promise<void> {
  const { version } = expected;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const fetchInto = (name: string, path: string, maxBytes: number) =>
    fetchFile(transport, `/${RELEASE_PATHS.file(version, name)}`, path, maxBytes, signal);
  try {
    await fetchInto(RELEASE_MANIFEST, files.manifest, MANIFEST_MAX_BYTES);
    await fetchInto(RELEASE_SIGNATURE, files.signature, SIGNATURE_MAX_BYTES);
    const artifact = await readRelease(files, expected);
    const folder = dirname(files.archive);
    await rm(files.archive, { force: true });
    if (freeBytes(folder) < artifact.size + RESERVE_BYTES) {
      throw new Error(`the disk that holds ${folder} has too little room for release ${version}`);
    }
    await fetchInto(artifact.name, files.archive, artifact.size);
    await requireArtifact(files.archive, artifact);
  } catch (error) {
    throw inWords(error, dirname(files.archive));
  }
}

async function fetchFile(
  transport: Transport,
  name: string,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const url = transport.url + name;
  let answer: IncomingMessage;
  try {
    answer = await getStream(transport, name, signal);
  } catch (error) {
    throw new Error(`cannot download ${url}: ${wordsOf(error)}`);
  }
  if (answer.statusCode !== 200) {
    answer.destroy();
    throw new Error(`cannot download ${url}: the answer was HTTP ${answer.statusCode}`);
  }
  let length = 0;
  const bounded = async function* (parts: AsyncIterable<Uint8Array>) {
    for await (const part of parts) {
      length += part.length;
      if (length > maxBytes) throw new Error(`${url} is larger than it may be`);
      yield part;
    }
  };
  try {
    await pipeline(answer, bounded, createWriteStream(path, { mode: 0o600 }));
  } catch (error) {
    if (errorCode(error) === "ECONNRESET") throw new Error(`the download of ${url} broke off`);
    throw error;
  }
}
