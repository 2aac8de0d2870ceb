import { rmSync } from "node:fs";
import { placeInMemory } from "../../agent/job/pipes.ts";
import { statePaths } from "../../agent/paths.ts";

/** Removes the names for pipes that an agent which was killed has left in memory, as its next start would. */
export function clearPipes(stateDir: string): void {
  const place = placeInMemory(statePaths(stateDir).pipes);
  if (place !== undefined) rmSync(place, { recursive: true, force: true });
}
