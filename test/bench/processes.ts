/** What /proc says about processes, and how much memory they took while something ran. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Problem } from "../../scripts/lib/problem.ts";

const SAMPLE_MS = 10;
const PAGE_BYTES = 4096;
/** What /proc counts processor time in, on every Linux that Node runs on. */
const TICK_MS = 10;

/** Resident memory, MB. */
export function residentMemory(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]);
  return (pages * PAGE_BYTES) / 1e6;
}

/** Memory of a process's own, MB: what is left of the resident without pages of files, which others may share. */
export function ownMemory(pid: number): number {
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return (Number(kilobytes) * 1024) / 1e6;
}

/** Processor time that a process has used, ms. */
export function processorTime(pid: number): number {
  const fields = statOf(String(pid))
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** How many sockets a process holds. */
export function openSockets(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => isSocket(`${folder}/${fd}`)).length;
}

/** False for one that was closed between the listing and the look. */
function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith("socket:");
  } catch {
    return false;
  }
}

/** The child of a process that runs the named program. @throws Problem when there is none */
export function childNamed(parent: number, program: string): number {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const [, name, ppid] = /^\d+ \((.*)\) \S (\d+)/.exec(statOf(entry)) ?? [];
    if (name === program && Number(ppid) === parent) return Number(entry);
  }
  throw new Problem(`Process ${parent} has no child ${program}.`);
}

/** Gone between the listing and the reading: nobody's child. */
function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return "";
  }
}

/**
 * Samples the memory of some processes from now on.
 * @returns a function that ends it and gives each one's highest, MB
 */
export function watchMemory<Name extends string>(pids: Record<Name, number>): () => Record<Name, number> {
  const entries = Object.entries<number>(pids);
  const peak: Record<string, number> = {};
  const sample = () => {
    for (const [name, pid] of entries) peak[name] = Math.max(peak[name] ?? 0, residentMemory(pid));
  };
  const timer = setInterval(sample, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    sample();
    return peak as Record<Name, number>;
  };
}
