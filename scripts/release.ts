/** `npm run release`: a signed release of the agent, to be put where the control plane finds it. */
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { ownVersion } from "../agent/build.ts";
import { mayBegin } from "./lib/arguments.ts";
import { runCommand } from "./lib/command.ts";
import { DIST, ROOT } from "./lib/paths.ts";
import { EXIT, Problem } from "./lib/problem.ts";
import { makeRelease, PLATFORMS, type Platform, pinOf, pointTo, releaseKey } from "./lib/release.ts";
import { during, say } from "./lib/terminal.ts";
import { USAGE } from "./lib/usage.mjs";

const RELEASES = join(DIST, "releases");

await runCommand(async () => {
  const args = process.argv.slice(2);
  if (!mayBegin("release", args)) return EXIT.ok;
  const { key: keyFile, node = [] } = parseArgs({ args, options: USAGE.release.options }).values;
  if (!keyFile)
    throw new Problem("Say which key signs it: --key FILE. It is made when it is not there.", EXIT.usage);
  const nodes = { ...ownNode(), ...Object.fromEntries(node.map(readNode)) };
  const { key, made } = await releaseKey(keyFile);
  if (made)
    say(`Made the release key ${keyFile}. Keep it, and keep it secret: agents take updates from no other.`);
  const version = await ownVersion();
  const folder = join(RELEASES, version);
  await during(`Making release ${version}`, () => makeRelease({ key, nodes, folder }));
  await pointTo(RELEASES, version);
  say(`It is in ${relative(ROOT, folder)}; docs/operations.md says where to put it.`);
  say(`RELEASE_KEY of the control plane: ${pinOf(key)}`);
  return EXIT.ok;
});

/** The Node that runs this, for its own platform. */
function ownNode(): Partial<Record<Platform, string>> {
  const own = PLATFORMS.find((platform) => platform === `${process.platform}-${process.arch}`);
  return own ? { [own]: process.execPath } : {};
}

/** `linux-arm64=PATH` */
function readNode(text: string): [Platform, string] {
  const [name = "", path = ""] = text.split("=");
  const platform = PLATFORMS.find((each) => each === name);
  if (platform && path) return [platform, path];
  throw new Problem(
    `--node wants PLATFORM=PATH with one of ${PLATFORMS.join(", ")}, not "${text}".`,
    EXIT.usage,
  );
}
