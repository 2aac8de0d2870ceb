/** Makes a release of the agent: every file that hosts may get, their list, and its signature. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, mkdir, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import {
  RELEASE_INSTALLER,
  RELEASE_MANIFEST,
  RELEASE_SIGNATURE,
  type Release,
  releaseText,
} from "#protocol/release.ts";
import { bundleAgent, ownVersion } from "../../agent/build.ts";
import { buildDebian, buildTarball } from "../../agent/packaging/archives.ts";
import { buildExecutable } from "../../agent/packaging/executable.ts";
import { sbomOf } from "../../agent/packaging/sbom.ts";
import { ROOT } from "./paths.ts";
import { Problem } from "./problem.ts";

/** Where an executable can be for, and what Debian calls it. */
const ARCHITECTURES = { "linux-x64": "amd64", "linux-arm64": "arm64" } as const;
export type Platform = keyof typeof ARCHITECTURES;
export const PLATFORMS = Object.keys(ARCHITECTURES) as Platform[];

export interface ReleaseOptions {
  /** Signs it. */
  key: KeyObject;
  /** Of package.json when absent. */
  version?: string;
  /** For which platforms to make executables, and the Node to put inside each; none are needed. */
  nodes?: Partial<Record<Platform, string>>;
  /** The folder of the release, emptied first. */
  folder: string;
}

/** The key that signs releases, made when there is none yet. @throws Problem when the file holds no such key */
export async function releaseKey(path: string): Promise<{ key: KeyObject; made: boolean }> {
  const pem = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new Problem(`The release key ${path} cannot be read: ${error.message}`);
  });
  if (pem === undefined) {
    const { privateKey } = generateKeyPairSync("ed25519");
    const file = await open(path, "wx", 0o600);
    await file.writeFile(privateKey.export({ format: "pem", type: "pkcs8" }));
    await file.close();
    return { key: privateKey, made: true };
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ed25519") return { key, made: false };
  } catch {
    // Said below.
  }
  throw new Problem(
    `${path} is not an Ed25519 private key in PEM. Name another file, or one that is not there yet.`,
  );
}

/** The public half as it is pinned: SPKI in base64. */
export function pinOf(key: KeyObject): string {
  return createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64");
}

/** @returns the version that was made */
export async function makeRelease({ key, version, nodes = {}, folder }: ReleaseOptions): Promise<string> {
  const name = version ?? (await ownVersion());
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const at = (file: string) => join(folder, file);
  const bundle = at("farhand-agent.mjs");
  const inputs = await bundleAgent({ outfile: bundle, version: name, releaseKey: pinOf(key) });
  await buildTarball(bundle, at(`farhand-agent-${name}-node.tar.gz`));
  for (const platform of PLATFORMS) {
    const node = nodes[platform];
    if (node !== undefined) await addExecutable({ platform, node, bundle, version: name, folder });
  }
  const node = Object.keys(nodes).length > 0 ? process.versions.node : undefined;
  await writeFile(at("sbom.cdx.json"), await sbomOf({ root: ROOT, version: name, inputs, node }));
  await copyFile(join(ROOT, "agent/packaging/install.sh"), at(RELEASE_INSTALLER));
  await signRelease(folder, name, key);
  return name;
}

interface Executable {
  platform: Platform;
  node: string;
  bundle: string;
  version: string;
  folder: string;
}

/** The bare executable, the tarball with it, and the Debian package. */
async function addExecutable({ platform, node, bundle, version, folder }: Executable): Promise<void> {
  const program = join(folder, `farhand-agent-${platform}`);
  await buildExecutable(bundle, node, program);
  await buildTarball(program, join(folder, `farhand-agent-${version}-${platform}.tar.gz`));
  const architecture = ARCHITECTURES[platform];
  const outfile = join(folder, `farhand-agent_${version}_${architecture}.deb`);
  await buildDebian({ program, version, architecture, outfile });
  await pipeline(createReadStream(program), createGzip(), createWriteStream(`${program}.gz`));
  await rm(program);
}

/** Makes a release the newest in a folder of releases. */
export async function pointTo(releases: string, version: string): Promise<void> {
  await writeFile(join(releases, "latest.json"), `${JSON.stringify({ version })}\n`);
}

/** Lists every file of the folder, and signs the list. */
export async function signRelease(folder: string, version: string, key: KeyObject): Promise<void> {
  const names = (await readdir(folder)).filter(
    (name) => ![RELEASE_MANIFEST, RELEASE_SIGNATURE].includes(name),
  );
  const artifacts: Release["artifacts"] = [];
  for (const name of names.sort()) {
    const path = join(folder, name);
    const hash = createHash("sha256");
    await pipeline(createReadStream(path), hash);
    artifacts.push({ name, size: (await stat(path)).size, sha256: hash.digest("hex") });
  }
  const list = Buffer.from(releaseText({ product: "farhand-agent", version, artifacts }));
  await writeFile(join(folder, RELEASE_MANIFEST), list);
  await writeFile(join(folder, RELEASE_SIGNATURE), sign(null, list, key));
}
