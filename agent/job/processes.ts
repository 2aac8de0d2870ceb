/** What the kernel says about processes, read from /proc. */
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { errorCode } from "../files.ts";
import type { ProcessId } from "./records.ts";

export interface ProcessInfo extends ProcessId {
  parent: number;
  group: number;
  session: number;
  /** Dead already, and only waiting for its parent to ask. */
  zombie: boolean;
  stopped: boolean;
  /** Processor time so far, in clock ticks. */
  userTicks: number;
  systemTicks: number;
  /** Memory that is really there, in pages. */
  residentPages: number;
}

/** The part of the operating system that `ProcessTree` stands on; tests bring their own. */
export interface ProcessTable {
  list(): Promise<ProcessInfo[]>;
  find(pid: number): ProcessInfo | undefined;
  /** The children of a process; undefined when this kernel does not tell. */
  children(pid: number): number[] | undefined;
  /** True when the process was started with this text in its environment, as far as we may look. */
  environmentHas(pid: number, text: string): boolean;
  /** True when stdout or stderr of the process is one of these files, under the names that they had before they were deleted. */
  printsTo(pid: number, deleted: readonly string[]): boolean;
  /** True while the process group has a member, be it a zombie. */
  groupExists(group: number): boolean;
  /** Bytes of memory, those that it shares with others counted in part; undefined when we may not look. */
  shareOfMemory(pid: number): number | undefined;
  /** Does nothing when there is no such process, or it is not ours to signal. */
  signal(pid: number, signal: NodeJS.Signals): void;
}

/** In thousandths of the memory that is short: as if a step had so much more than it has. */
const EXPENDABLE = 500;

/** Processes looked at before others get a turn on the event loop. */
export const BATCH = 200;

/** Kernels are built with it as a rule, but not all. */
const TELLS_CHILDREN = existsSync("/proc/thread-self/children");

export const systemProcesses: ProcessTable = {
  async list() {
    const found: ProcessInfo[] = [];
    let looked = 0;
    for (const name of readdirSync("/proc")) {
      const pid = Number(name);
      if (!Number.isInteger(pid)) continue;
      const info = systemProcesses.find(pid);
      if (info) found.push(info);
      if (++looked % BATCH === 0) await othersTurn();
    }
    return found;
  },

  find(pid) {
    return parseStat(contentOf(`/proc/${pid}/stat`));
  },

  children(pid) {
    if (!TELLS_CHILDREN) return undefined;
    const threads = threadsOf(pid);
    return threads.flatMap((thread) =>
      contentOf(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean).map(Number),
    );
  },

  environmentHas(pid, text) {
    return contentOf(`/proc/${pid}/environ`).includes(text);
  },

  printsTo(pid, deleted) {
    return [1, 2].some((fd) => {
      try {
        const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
        return deleted.some((name) => target === `${name} (deleted)`);
      } catch {
        return false;
      }
    });
  },

  groupExists(group) {
    try {
      process.kill(-group, 0);
      return true;
    } catch (error) {
      return errorCode(error) !== "ESRCH";
    }
  },

  shareOfMemory(pid) {
    const kib = /^Pss:\s+(\d+) kB$/m.exec(contentOf(`/proc/${pid}/smaps_rollup`))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  },

  signal(pid, signal) {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone in between, or owned by another user: looking again will tell.
    }
  },
};

/**
 * Where memory comes to an end, the kernel is to take a step, this process and
 * what it starts, before the agent that looks after all of them, and before what
 * the host is there for. What it has started before this is left as it is.
 */
export function makeExpendable(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(EXPENDABLE));
  } catch {
    // Gone already, or more expendable than that.
  }
}

/** Lets others have a turn on the event loop, in the midst of looking at many processes. */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What a file of /proc says; nothing when its process is gone, or not ours to look at. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Reads /proc/<pid>/stat. The name of the program stands in brackets and may hold anything. */
export function parseStat(text: string): ProcessInfo | undefined {
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent, group, session] = fields;
  const startTime = Number(fields[19]);
  if (!(pid > 0) || Number.isNaN(startTime) || session === undefined) return undefined;
  return {
    pid,
    startTime,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    zombie: state === "Z" || state === "X",
    stopped: state === "T" || state === "t",
    userTicks: Number(fields[11]),
    systemTicks: Number(fields[12]),
    residentPages: Number(fields[21]),
  };
}

/** What the kernel counts a process's time in, everywhere that Node runs. */
export const TICK_MS = 10;

/** Bytes of one page of memory, worked out of the two units in which the kernel tells the same size. */
export function pageBytes(): number {
  const stat = contentOf("/proc/self/stat");
  const bytes = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[20]);
  const pages = Number(contentOf("/proc/self/statm").split(" ")[0]);
  // Powers of two: this process may have grown between the two.
  return 2 ** Math.round(Math.log2(bytes / pages)) || 4096;
}

/** Changes with every boot, so that a pid from before it is never taken for one of now. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
