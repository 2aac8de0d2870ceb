/** Files that tests and the scripts they run tell each other things with. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

/** Makes the file that a script is waiting for. */
export function open(gate: string): Promise<void> {
  return writeFile(gate, "");
}

/** Resolves once `look` is true; for what happens on a disk, where nothing tells us. */
export async function untilTrue(what: string, look: () => boolean, patienceMs = 20_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!look()) {
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs / 1000} s in vain for ${what}`);
    await wait(10);
  }
}

export function untilExists(path: string): Promise<void> {
  return untilTrue(path, () => existsSync(path));
}
