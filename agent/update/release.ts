/** A release as an agent looks at it before it becomes one: by signature, version and digest. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { isSea } from "node:sea";
import { pipeline } from "node:stream/promises";
import { checkRelease, type Release } from "#protocol/release.ts";
import { isNewer } from "#protocol/update.ts";

/** Far more than any release needs. */
export const MANIFEST_MAX_BYTES = 1024 * 1024;
export const SIGNATURE_MAX_BYTES = 1024;
export const ARCHIVE_MAX_BYTES = 512 * 1024 * 1024;

export interface Expected {
  /** Signs releases: SPKI in base64. */
  key: string;
  /** The version that was asked for, whatever the list says it is. */
  version: string;
  /** The version that runs. */
  current: string;
}

export type Artifact = Release["artifacts"][number];

/**
 * Reads a release's list, and picks what this host would install of it.
 * @throws Error in words, when it is not to be installed here
 */
export async function readRelease(
  files: { manifest: string; signature: string },
  { key, version, current }: Expected,
): Promise<Artifact> {
  const [manifest, signature] = await Promise.all([readFile(files.manifest), readFile(files.signature)]);
  const check = await checkRelease(new Uint8Array(manifest), new Uint8Array(signature), key);
  if (!check.ok) throw new Error(`release ${version} is refused: ${check.reason}`);
  const { release } = check;
  if (release.version !== version) {
    throw new Error(`release ${version} is refused: what was served for it is ${release.version}`);
  }
  if (!isNewer(version, current)) {
    throw new Error(`release ${version} is refused: it is not newer than ${current}, which runs here`);
  }
  const name = archiveName(version);
  const artifact = release.artifacts.find((each) => each.name === name);
  if (!artifact) throw new Error(`release ${version} has nothing for this host: there is no ${name} in it`);
  if (artifact.size > ARCHIVE_MAX_BYTES) throw new Error(`${name} is larger than any release should be`);
  return artifact;
}

/** In the form in which this agent was installed: with Node inside, or as a script for the host's Node. */
export function archiveName(version: string): string {
  const platform = isSea() ? `${process.platform}-${process.arch}` : "node";
  return `farhand-agent-${version}-${platform}.tar.gz`;
}

/** @throws Error in words, when the file is not the one that the release lists */
export async function requireArtifact(path: string, { name, size, sha256 }: Artifact): Promise<void> {
  const hash = createHash("sha256");
  let length = 0;
  await pipeline(createReadStream(path), async (parts: AsyncIterable<Buffer>) => {
    for await (const part of parts) {
      length += part.length;
      hash.update(part);
    }
  });
  if (length !== size || hash.digest("hex") !== sha256) {
    throw new Error(`${name} is not the file that the release lists`);
  }
}
