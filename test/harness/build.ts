/** Builds what the tests run against, once, before the first of them. */
import { mkdir } from "node:fs/promises";
import { buildParts } from "../../scripts/lib/build.ts";
import { WEB_DIST } from "../../scripts/lib/paths.ts";

export default async function setup(): Promise<void> {
  // The bindings name the folder; the tests of the system need nothing in it.
  await mkdir(WEB_DIST, { recursive: true });
  await buildParts(["agent", "cli", "worker"]);
}
