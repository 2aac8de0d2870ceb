/** A process that takes a lock when it is told to, at a given moment, and keeps it until it is killed. */
import { takeLock } from "../../agent/lock.ts";

process.on("message", ({ path, at }: { path: string; at: number }) => {
  while (Date.now() < at);
  try {
    takeLock(path);
    process.send?.({ won: true });
  } catch (error) {
    process.send?.({ won: false, words: error instanceof Error ? error.message : "" });
  }
});
process.send?.({ ready: true });
