/**
 * A release of the agent: `release.json` lists its files with their digests and
 * `release.json.sig` holds the release key's Ed25519 signature over exactly the
 * bytes of that list, so that nothing else has to be signed. Who serves the
 * files decides nothing: the control plane, the installer and the agent each
 * check against the key that they were built or set up with.
 */
import { z } from "zod";
import { sha256Hex } from "./digest.ts";

export const RELEASE_MANIFEST = "release.json";
/** Raw signature, 64 bytes: what `openssl pkeyutl -sigfile` reads. */
export const RELEASE_SIGNATURE = "release.json.sig";
export const RELEASE_INSTALLER = "install.sh";

const VERSION =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

/** A version as releases have it: `1.4.0`, or `1.4.0-rc.1` ahead of it. */
export const releaseVersionSchema = z.string().max(64).regex(VERSION, { error: "not a version like 1.4.0" });

/** What signs releases, as SPKI in base64. */
export const releaseKeySchema = z.string().regex(/^MCowBQYDK2VwAyEA[\w+/]{43}=$/, {
  error: "a release key is an Ed25519 public key, the one line inside its PEM file",
});

/** A file name that is safe in a path and in a shell. */
const fileNameSchema = z.string().regex(/^[A-Za-z0-9][\w.+-]{0,127}$/, { error: "not a file name" });

export const releaseSchema = z.object({
  /** Apart from every other thing that a key may have signed. */
  product: z.literal("farhand-agent"),
  version: releaseVersionSchema,
  artifacts: z.array(
    z.object({
      name: fileNameSchema,
      /** Bytes. */
      size: z.number().int().nonnegative(),
      /** Lower-case hex. */
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});
export type Release = z.infer<typeof releaseSchema>;

/** Which release is the newest: a pointer, believed by nobody before the release itself is checked. */
export const latestReleaseSchema = z.object({ version: releaseVersionSchema });

/** Where files of releases are, both in the bucket and, after a slash, in the address. */
export const RELEASE_PATHS = {
  latest: "releases/latest.json",
  file: (version: string, name: string): string => `releases/${version}/${name}`,
} as const;

/** The list as it is signed: one file a line, so that a shell reads it too. */
export function releaseText({ product, version, artifacts }: Release): string {
  const lines = artifacts.map(({ name, size, sha256 }) => `    ${JSON.stringify({ name, size, sha256 })}`);
  return `{\n  "product": "${product}",\n  "version": "${version}",\n  "artifacts": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

export type ReleaseCheck = { ok: true; release: Release } | { ok: false; reason: string };

/**
 * Reads a list only if the release key signed it.
 * @param publicKey SPKI in base64, the one line of its PEM file
 * @param keyName what people call that key
 */
export async function checkRelease(
  manifest: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  publicKey: string,
  keyName = "the release key",
): Promise<ReleaseCheck> {
  if (!(await isSigned(manifest, signature, publicKey))) {
    return { ok: false, reason: `its signature is not from ${keyName}` };
  }
  const release = releaseSchema.safeParse(parseJson(new TextDecoder().decode(manifest)));
  return release.success
    ? { ok: true, release: release.data }
    : { ok: false, reason: "it is signed, and yet not a list of a release's files" };
}

/** Why these bytes are not the file that the release lists under this name; undefined when they are. */
export async function misfit(
  release: Release,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string | undefined> {
  const artifact = release.artifacts.find((each) => each.name === name);
  if (!artifact) return `release ${release.version} has no ${name}`;
  if (bytes.length !== artifact.size || (await sha256Hex(bytes)) !== artifact.sha256) {
    return `${name} is not the file that release ${release.version} lists`;
  }
  return undefined;
}

/** Below 0 when `one` is older than `other`, 0 when they are the same, by the rules of semantic versions. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [partsOf(one), partsOf(other)];
  for (const [index, number] of left.numbers.entries()) {
    const difference = number - (right.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.ahead === undefined || right.ahead === undefined) {
    return Number(left.ahead === undefined) - Number(right.ahead === undefined);
  }
  return compareAhead(left.ahead.split("."), right.ahead.split("."));
}

function partsOf(version: string): { numbers: number[]; ahead: string | undefined } {
  const [, major, minor, patch, ahead] = VERSION.exec(version) ?? [];
  if (major === undefined) throw new TypeError(`${version} is not a version like 1.4.0`);
  return { numbers: [Number(major), Number(minor), Number(patch)], ahead };
}

/** What stands behind the hyphen, part by part: numbers as such and before words, fewer parts before more. */
function compareAhead(left: readonly string[], right: readonly string[]): number {
  for (const [index, part] of left.entries()) {
    const against = right[index];
    if (against === undefined) return 1;
    if (part === against) continue;
    const numeric = [part, against].map((each) => /^\d+$/.test(each));
    if (numeric[0] && numeric[1]) return Number(part) - Number(against);
    if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
    return part < against ? -1 : 1;
  }
  return left.length - right.length;
}

async function isSigned(
  bytes: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  publicKey: string,
): Promise<boolean> {
  try {
    const spki = Uint8Array.from(atob(publicKey), (character) => character.charCodeAt(0));
    const key = await crypto.subtle.importKey("spki", spki, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature, bytes);
  } catch {
    return false;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
