/** Looking at processes and ending them, through /proc. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** True for a process that runs; one that is dead and not yet collected does not. */
export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== "Z" && state !== "X";
}

/** The most memory that a process ever had, bytes. */
export function peakMemoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Processes whose parent is this one; only those of a name when it is given. */
export function childrenOf(pid: number, name?: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((child) => {
      const stat = statOf(child);
      return stat?.parent === pid && (name === undefined || stat.name === name);
    });
}

/** Resolves when none of the processes runs any more; nothing tells us, so this looks. */
export async function untilGone(pids: readonly number[], patienceMs = 15_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (pids.some(isAlive)) {
    if (performance.now() > deadline) throw new Error(`still running: ${pids.filter(isAlive).join(", ")}`);
    await wait(10);
  }
}

function statOf(pid: number): { name: string; state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const end = stat.lastIndexOf(")");
    const [state = "", parent = ""] = stat.slice(end + 2).split(" ");
    return { name: stat.slice(stat.indexOf("(") + 1, end), state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
