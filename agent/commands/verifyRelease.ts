import { createReadStream } from "node:fs";
import { z } from "zod";
import { checkRelease, compareVersions } from "#protocol/release.ts";
import { LOCAL_OPTIONS, word } from "../config.ts";
import { EXIT, Failure } from "../failure.ts";
import { wordsOf } from "../log.ts";
import { collectBounded } from "../reading.ts";
import { MANIFEST_MAX_BYTES, SIGNATURE_MAX_BYTES } from "../update/release.ts";
import { AGENT_VERSION, RELEASE_KEY } from "../version.ts";
import { type ConfigOf, command, text } from "./command.ts";

const OPTIONS = {
  ...LOCAL_OPTIONS,
  manifest: text(z.string({ error: "say which list of files: --manifest release.json" })),
  signature: text(z.string({ error: "say where its signature is: --signature release.json.sig" })),
  key: text(word),
};

export const verifyReleaseCommand = command({
  usage: `verify-release --manifest release.json --signature release.json.sig [--key KEY]
      Check a release against the key that this agent was built with, or another.`,
  options: OPTIONS,
  run: verifyRelease,
});

/** `farhand-agent verify-release`: whether a release is signed, and no step back from this agent. */
async function verifyRelease({
  manifest,
  signature,
  key = RELEASE_KEY,
}: ConfigOf<typeof OPTIONS>): Promise<void> {
  if (key === undefined) {
    throw new Failure("this agent was built without a release key: name one with --key", EXIT.usage);
  }
  const [list, mark] = await Promise.all([
    read(manifest, MANIFEST_MAX_BYTES),
    read(signature, SIGNATURE_MAX_BYTES),
  ]);
  const check = await checkRelease(list, mark, key);
  if (!check.ok) throw new Failure(`the release is refused: ${check.reason}`);
  const { version } = check.release;
  if (AGENT_VERSION !== "source" && compareVersions(version, AGENT_VERSION) < 0) {
    throw new Failure(
      `the release is refused: ${version} is older than this agent, which is ${AGENT_VERSION}`,
    );
  }
  process.stdout.write(`Release ${version} is signed by the release key.\n`);
}

async function read(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await collectBounded(createReadStream(path), { what: path, maxBytes }));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`cannot read ${path}: ${wordsOf(error)}`);
  }
}
