/** Finds out whether a part has to be built again: by what its inputs contain, not by when they changed. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { DIST, ROOT } from "./paths.ts";

const STAMPS = join(DIST, ".stamps");

/** SHA-256 over the files at these paths (relative to the root; folders with all in them, tests left out). */
export async function hashInputs(paths: readonly string[]): Promise<string> {
  const files = (await Promise.all(paths.map((path) => filesAt(join(ROOT, path))))).flat().sort();
  const hash = createHash("sha256");
  for (const file of files) {
    hash.update(`${relative(ROOT, file)}\0`);
    hash.update(await readFile(file));
    hash.update("\0");
  }
  return hash.digest("hex");
}

/** True when the part was built from exactly these inputs and its output is still there. */
export async function isCurrent(part: string, hash: string, output: string): Promise<boolean> {
  if (!existsSync(output)) return false;
  return (await readFile(join(STAMPS, part), "utf8").catch(() => "")) === hash;
}

export async function stampBuild(part: string, hash: string): Promise<void> {
  await mkdir(STAMPS, { recursive: true });
  await writeFile(join(STAMPS, part), hash);
}

async function filesAt(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOTDIR") return undefined;
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (!entries) return [path];
  const nested = entries
    .filter((entry) => !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => (entry.isDirectory() ? filesAt(join(path, entry.name)) : [join(path, entry.name)]));
  return (await Promise.all(nested)).flat();
}
