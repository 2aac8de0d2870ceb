import type { ChildProcess } from "node:child_process";

export type Exit = { exitCode: number } | { signal: string };

/** How a process ends. Ask in the turn of the event loop in which it was spawned. */
export function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("exit", (exitCode, signal) =>
      resolve(exitCode === null ? { signal: signal ?? "unknown" } : { exitCode }),
    );
  });
}
