import { createReadStream } from "node:fs";
import { z } from "zod";
import { checkRelease, compareVersions, releaseKeySchema } from "#protocol/release.ts";
import { LOCAL_OPTIONS } from "../config.ts";
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
  key: text(
    z
      .string()
      .refine((key) => releaseKeySchema.safeParse(key).success, {
        error: ({ input }) =>
          `"${String(input).slice(0, 80)}" is no release key: that is an Ed25519 public key, the one line inside its PEM file`,
      })
      .optional(),
  ),
};

export const verifyReleaseCommand = command({
  usage: `verify-release --manifest release.json --signature release.json.sig [--key KEY]
      Check a release against the key that this agent was built with, or another.`,
  options: OPTIONS,
  run: verifyRelease,
});

/** `farhand-agent verify-release`: whether a release is signed, and no step back from this agent. */
async function verifyRelease({ manifest, signature, key: given }: ConfigOf<typeof OPTIONS>): Promise<void> {
  const key = given ?? RELEASE_KEY;
  if (key === undefined) {
    throw new Failure("this agent was built without a release key: name one with --key", EXIT.usage);
  }
  const [list, mark] = await Promise.all([
    read(manifest, MANIFEST_MAX_BYTES),
    read(signature, SIGNATURE_MAX_BYTES),
  ]);
  const keyName = given === undefined ? "the release key" : "the key given";
  const check = await checkRelease(list, mark, key, keyName);
  if (!check.ok) throw new Failure(`the release is refused: ${check.reason}`);
  const { version } = check.release;
  if (AGENT_VERSION !== "source" && compareVersions(version, AGENT_VERSION) < 0) {
    throw new Failure(
      `the release is refused: ${version} is older than this agent, which is ${AGENT_VERSION}`,
    );
  }
  process.stdout.write(`Release ${version} is signed by ${keyName}.\n`);
}

async function read(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await collectBounded(createReadStream(path), { what: path, maxBytes }));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`cannot read ${path}: ${wordsOf(error)}`);
  }
}
