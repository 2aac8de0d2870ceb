/**
 * Pages of the agent's own program (Node, mostly) that are in memory only because its start went
 * through them. They are files' pages, so the kernel would take them back if it ran short, but until
 * then each host counts them as the agent's. An agent at rest lets go of them: what it needs again it
 * gets back from the page cache, page by page and without the disk. ADR 26.
 */
import { readFileSync, readlinkSync } from "node:fs";
import type { Clock } from "./clock.ts";

const LOOK_MS = 30_000;
/** Processor time between two looks up to which the agent counts as at rest, ms: heartbeats take a few. */
const AT_REST_MS = 150;
/** What the heartbeats bring back is less; below this nothing is worth the trouble. */
const KEPT_BYTES = 24_000_000;
/** `MADV_DONTNEED` of madvise(2), the same on every architecture that Node runs on with Linux. */
const DONT_NEED = 4;

/** A part of the process's memory: addresses and bytes. */
export interface MemoryRange {
  start: bigint;
  bytes: bigint;
}

/** Letting go of pages, as the scheduler sees it. */
export interface PageKeeper {
  /** Bytes of files that are in this process's memory. */
  residentFileBytes(): number;
  release(): void;
}

/**
 * Looks now and then whether the agent is at rest with more of its program in memory than it needs.
 * @param cpuMs processor time used so far, ms
 */
export function releaseAtRest(clock: Clock, keeper: PageKeeper, cpuMs = cpuTime): void {
  const before = cpuMs();
  clock.after(LOOK_MS, () => {
    const isAtRest = cpuMs() - before <= AT_REST_MS;
    try {
      if (isAtRest && keeper.residentFileBytes() > KEPT_BYTES) keeper.release();
    } catch {
      // A host with no descriptor or memory left for it has worse troubles: no reason for the agent to end.
    }
    releaseAtRest(clock, keeper, cpuMs);
  });
}

function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * For this process; undefined where it cannot be done: elsewhere than on Linux, before Node 26.1,
 * the first that can call a function of the C library, and with a Node that was told not to.
 */
export function ownPages(): PageKeeper | undefined {
  const madvise = process.platform === "linux" ? findMadvise() : undefined;
  return (
    madvise && {
      residentFileBytes() {
        const status = readFileSync("/proc/self/status", "latin1");
        return Number(/^RssFile:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
      },
      release() {
        const smaps = readFileSync("/proc/self/smaps", "latin1");
        for (const { start, bytes } of unchangedRanges(smaps, readlinkSync("/proc/self/exe"))) {
          madvise(start, bytes, DONT_NEED);
        }
      },
    }
  );
}

function findMadvise() {
  const ffi: typeof import("node:ffi") | undefined = process.getBuiltinModule("node:ffi");
  try {
    const signature = { arguments: ["uint64", "uint64", "int32"], return: "int32" } as const;
    return ffi?.dlopen(null, { madvise: signature }).functions.madvise;
  } catch {
    // `--permission` without `--allow-ffi`, or a platform that Node's FFI does not know.
    return undefined;
  }
}

/**
 * The parts of the program that are in memory just as they are in its file. A part that was ever
 * written to has pages of its own, in memory or swapped out, which would be lost: it is left alone.
 * So is one of which nothing is in memory: QEMU, which runs programs for other processors, says that
 * of all parts, and of those with relocations too that they have no pages of their own.
 * @param smaps proc_pid_smaps(5)
 * @param program the path of its file
 */
export function unchangedRanges(smaps: string, program: string): MemoryRange[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((mapping) => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \d+ +(.+)$/m.exec(mapping) ?? [];
    const has = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(mapping)?.[1]);
    const isUnchanged = has("Rss") > 0 && has("Anonymous") === 0 && has("Swap") === 0;
    if (from === undefined || path !== program || !isUnchanged) return [];
    const start = BigInt(`0x${from}`);
    return [{ start, bytes: BigInt(`0x${to}`) - start }];
  });
}
