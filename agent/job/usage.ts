/**
 * What an attempt uses of its host, and whether that is more than it may. The
 * kernel counts where there is a cgroup; elsewhere, and for what it does not
 * count, the processes are looked at while they run, which is an estimate: what
 * lives for less than a look is not seen, and limits are noticed a little late.
 */
import type { StepUsage } from "#protocol/data.ts";
import { printSize } from "#protocol/runbook/units.ts";
import type { PolicyLimits } from "../policy/limits.ts";
import type { Cgroup } from "./cgroup.ts";
import { type ProcessInfo, type ProcessTable, pageBytes, TICK_MS } from "./processes.ts";

const PAGE_BYTES = pageBytes();

const NO_MEMORY_LEFT =
  "the kernel killed it: there was no memory left for it on this host, or for the agent and its steps together";

/** What all processes of a step may use together. */
export type StepLimits = Pick<PolicyLimits, "memoryBytes" | "processes" | "cpu">;

export interface MeterOptions {
  limits: StepLimits;
  cgroup: Cgroup | undefined;
  table: Pick<ProcessTable, "shareOfMemory">;
  /** Called when it is over a limit, in words; perhaps more than once. */
  over(why: string): void;
}

export class Meter {
  readonly #options: MeterOptions;
  readonly #byKernel: { memory: boolean; processes: boolean };
  /** Processor time of everybody ever seen, by pid and start time. */
  readonly #ticks = new Map<string, { user: number; system: number }>();
  #peakBytes = 0;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#byKernel = options.cgroup?.limit(options.limits) ?? { memory: false, processes: false };
  }

  /** True when looking is what keeps the limits, or notices that the kernel does. */
  get limited(): boolean {
    const { memoryBytes, processes } = this.#options.limits;
    return (memoryBytes !== undefined && !this.#byKernel.memory) || processes !== undefined;
  }

  /** Takes note of the processes that live now. */
  sample(living: readonly ProcessInfo[]): void {
    const { limits, over, cgroup } = this.#options;
    let bytes = 0;
    for (const { pid, startTime, userTicks, systemTicks, residentPages } of living) {
      bytes += residentPages * PAGE_BYTES;
      if (!cgroup) this.#ticks.set(`${pid} ${startTime}`, { user: userTicks, system: systemTicks });
    }
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
    const { memoryBytes, processes } = limits;
    if (processes !== undefined && (this.refused !== undefined || living.length > processes)) {
      over(processesWords(processes));
    }
    if (memoryBytes === undefined || this.#byKernel.memory || bytes <= memoryBytes) return;
    // Pages that processes share were counted for each of them.
    if (this.#sharedOut(living) > memoryBytes) over(memoryWords(memoryBytes, "agent"));
  }

  /**
   * Why what is left of it has to be ended: the kernel refused it a process, also
   * one that nobody looked in time to see. Undefined when it did not.
   */
  get refused(): string | undefined {
    const { limits, cgroup } = this.#options;
    if (limits.processes === undefined || !this.#byKernel.processes) return undefined;
    return cgroup?.ranOutOfProcesses ? processesWords(limits.processes) : undefined;
  }

  /** Why the kernel ended it; undefined when it did not. */
  get endedByKernel(): string | undefined {
    const { limits, cgroup } = this.#options;
    const where = cgroup?.ranOutOfMemory;
    if (where === undefined) return undefined;
    const { memoryBytes } = limits;
    return where === "within" && memoryBytes !== undefined
      ? memoryWords(memoryBytes, "kernel")
      : NO_MEMORY_LEFT;
  }

  /** All of it so far. Ask before the cgroup is gone. */
  get total(): StepUsage {
    const counted = this.#options.cgroup?.usage();
    const peak = counted?.peakMemoryBytes ?? (this.#peakBytes || undefined);
    const memory = peak === undefined ? {} : { peakMemoryBytes: peak };
    if (counted) {
      const sampled = counted.peakMemoryBytes === undefined && peak !== undefined;
      return {
        userMs: Math.round(counted.userMs),
        systemMs: Math.round(counted.systemMs),
        ...memory,
        ...(sampled && { estimated: ["memory"] }),
      };
    }
    const all = [...this.#ticks.values()];
    return {
      userMs: all.reduce((sum, { user }) => sum + user * TICK_MS, 0),
      systemMs: all.reduce((sum, { system }) => sum + system * TICK_MS, 0),
      ...memory,
      estimated: ["cpu", "memory"],
    };
  }

  #sharedOut(living: readonly ProcessInfo[]): number {
    const { table } = this.#options;
    return living.reduce(
      (sum, { pid, residentPages }) => sum + (table.shareOfMemory(pid) ?? residentPages * PAGE_BYTES),
      0,
    );
  }
}

function memoryWords(limitBytes: number, by: "kernel" | "agent"): string {
  return `the ${by} killed it: over ${printSize(limitBytes)} of memory, which is what this host allows a step`;
}

function processesWords(limit: number): string {
  return `the agent killed it: it wanted more than ${limit} processes at once, which is what this host allows a step`;
}
