/**
 * Control groups (v2): one folder for each attempt, below the agent's own. Who
 * is in it cannot leave by `setsid`, by a clean environment or by losing its
 * parent, and all of it is killed in one write. Where the kernel has its
 * controllers here, memory, processes and processor time are limited as well.
 *
 * The names hold a hash of the state directory: agents that share a parent
 * leave each other's groups alone.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Clock, sleep } from "../clock.ts";
import { errorCode } from "../files.ts";
import { type Log, wordsOf } from "../log.ts";
import type { StepLimits } from "./usage.ts";

/** Processes of the agent itself live in a leaf: a group with limits for those below may hold none. */
const AGENT_LEAF = "agent";
const CONTROLLERS = ["memory", "pids", "cpu"];
/** Of `cpu.max`, µs. */
const CPU_PERIOD = 100_000;
/** How often, and how long apart, whatever stayed behind is moved out of a group that is over. */
const EMPTY_TRIES = 50;
const EMPTY_PAUSE_MS = 100;

export interface CgroupUsage {
  userMs: number;
  systemMs: number;
  /** Where the memory controller is there. */
  peakMemoryBytes: number | undefined;
}

/** The group of one attempt. */
export class Cgroup {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Writing `0` here moves the writer in. */
  get entrance(): string {
    return join(this.path, "cgroup.procs");
  }

  /** The living processes in it and in groups below; none when it is gone. */
  members(): number[] {
    return foldersBelow(this.path).flatMap((folder) =>
      textOf(join(folder, "cgroup.procs")).split("\n").filter(Boolean).map(Number),
    );
  }

  /** Kills everybody in it, below it included. */
  kill(): void {
    if (!tryWrite(join(this.path, "cgroup.kill"), "1")) this.killOneByOne();
  }

  /** The same for kernels before 5.14: while it is frozen nobody in it can fork, and no number changes hands. */
  killOneByOne(): void {
    const freezer = join(this.path, "cgroup.freeze");
    tryWrite(freezer, "1");
    for (const pid of this.members()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone in between.
      }
    }
    tryWrite(freezer, "0");
  }

  /**
   * Has the kernel hold what it can.
   * @returns which of the limits it holds; the others are for whoever looks
   */
  limit({ memoryBytes, processes, cpu }: StepLimits): { memory: boolean; processes: boolean } {
    const set = (file: string, value: string | number) => tryWrite(join(this.path, file), String(value));
    const memory = memoryBytes !== undefined && set("memory.max", memoryBytes);
    // Swap would only put it off.
    if (memory) set("memory.swap.max", 0);
    // Whatever it is killed for want of memory by, this limit or one around it: half a step that lives on helps nobody.
    set("memory.oom.group", 1);
    if (cpu !== undefined) set("cpu.max", `${Math.max(1_000, Math.round(cpu * CPU_PERIOD))} ${CPU_PERIOD}`);
    return { memory, processes: processes !== undefined && set("pids.max", processes) };
  }

  /**
   * Where there was no memory left when the kernel killed it for that: within its
   * own limit, or around it. Undefined when it did not. What happened to groups
   * that it made below its own is its own affair.
   */
  get ranOutOfMemory(): "within" | "around" | undefined {
    const events = textOf(join(this.path, "memory.events.local"));
    if (counterIn(events, "oom_kill") === 0) return undefined;
    return counterIn(events, "oom") > 0 ? "within" : "around";
  }

  /** True when the kernel refused to make another process in it. */
  get ranOutOfProcesses(): boolean {
    return counterIn(textOf(join(this.path, "pids.events")), "max") > 0;
  }

  /** Of everything that ever ran in it; undefined when it is gone. */
  usage(): CgroupUsage | undefined {
    const stat = textOf(join(this.path, "cpu.stat"));
    if (stat === "") return undefined;
    const memory = join(this.path, "memory.peak");
    // Many hosts have no such file, and to ask first is cheaper than to fail.
    const peak = existsSync(memory) ? Number.parseInt(textOf(memory), 10) : Number.NaN;
    return {
      userMs: counterIn(stat, "user_usec") / 1000,
      systemMs: counterIn(stat, "system_usec") / 1000,
      peakMemoryBytes: Number.isNaN(peak) ? undefined : peak,
    };
  }

  /** @returns false while there is somebody in it */
  async remove(): Promise<boolean> {
    if (await removeFolder(this.path)) return true;
    for (const folder of foldersBelow(this.path).reverse()) if (!(await removeFolder(folder))) return false;
    return true;
  }
}

export interface CgroupsOptions {
  /** The folder that is delegated to the agent. */
  base: string;
  /** The state directory of the agent. */
  state: string;
  clock: Clock;
  log: Log;
}

/** The groups of one agent's attempts. */
export class Cgroups {
  readonly #options: CgroupsOptions;
  readonly #prefix: string;
  /** Where the agent itself is: daemons that a step leaves behind go there. */
  readonly #home: string;
  /** The last change that was asked for. */
  #changing: Promise<unknown> = Promise.resolve();

  /** @returns undefined where this agent may make no groups, with the reason in the log */
  static open(state: string, clock: Clock, log: Log): Cgroups | undefined {
    const base = ownCgroup(textOf("/proc/self/cgroup"), textOf("/proc/self/mountinfo"));
    if (base === undefined) {
      log.info("no cgroup v2 here; processes of steps are found by looking for them");
      return undefined;
    }
    try {
      return new Cgroups({ base, state, clock, log });
    } catch (error) {
      log.info("no cgroup is delegated to this agent; processes of steps are found by looking for them", {
        reason: wordsOf(error),
      });
      return undefined;
    }
  }

  /** @throws when it may not make groups there */
  constructor(options: CgroupsOptions) {
    const { base, state } = options;
    this.#options = options;
    const agent = createHash("sha256").update(state).digest("hex").slice(0, 8);
    this.#prefix = `farhand-step-${agent}-`;
    this.#home = shareControllers(base) ? join(base, AGENT_LEAF) : base;
    const probe = this.#newName();
    mkdirSync(probe.path);
    rmdirSync(probe.path);
  }

  /** A group for one attempt, with nobody in it. */
  make(): Promise<Cgroup> {
    return this.#inTurn(async () => {
      const cgroup = this.#newName();
      await mkdir(cgroup.path);
      return cgroup;
    });
  }

  /** @returns false while there is somebody in it */
  remove(cgroup: Cgroup): Promise<boolean> {
    return this.#inTurn(() => cgroup.remove());
  }

  /** The group that an earlier run of the agent made under this name. */
  named(name: string): Cgroup {
    return new Cgroup(join(this.#options.base, basename(name)));
  }

  /** The names of all groups of this agent. */
  names(): string[] {
    return readdirSync(this.#options.base).filter((name) => name.startsWith(this.#prefix));
  }

  /**
   * An attempt is over. What lives on, a daemon that was meant to, is moved to
   * where the agent is, so that the group can go.
   */
  async close(cgroup: Cgroup): Promise<void> {
    const { clock, log } = this.#options;
    for (let tries = 0; tries < EMPTY_TRIES; tries++) {
      if (await this.remove(cgroup)) return;
      for (const pid of cgroup.members()) {
        // In a thread: a move waits for every processor of the host.
        await writeFile(join(this.#home, "cgroup.procs"), String(pid)).catch(() => {});
      }
      if (cgroup.members().length > 0 || tries > 0) await sleep(clock, EMPTY_PAUSE_MS);
    }
    log.warn("cannot empty the cgroup of a step that is over", { cgroup: cgroup.path });
  }

  /** At the start, when attempts have been settled: kills and removes what an earlier run of this agent left. */
  async clearLeftovers(): Promise<void> {
    const { clock, log } = this.#options;
    for (const name of this.names()) {
      const cgroup = this.named(name);
      for (let tries = 0; tries < EMPTY_TRIES && !(await this.remove(cgroup)); tries++) {
        cgroup.kill();
        await sleep(clock, EMPTY_PAUSE_MS);
      }
      log.info("removed a cgroup that an earlier run of the agent left", { cgroup: cgroup.path });
    }
  }

  #newName(): Cgroup {
    return this.named(this.#prefix + randomBytes(8).toString("hex"));
  }

  /**
   * The kernel makes and removes no group while a process is being moved, whoever's it is: 10 to 20 ms.
   * So that is waited for in a thread, and in one alone, for the journal needs threads as well.
   */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(change);
    this.#changing = done.catch(() => {});
    return done;
  }
}

/**
 * The folder of the cgroup v2 that this process is in, as seen from here;
 * undefined without one. Where the process is in the leaf that is for agents
 * the folder around it counts. Pure.
 * @param cgroupText /proc/self/cgroup
 * @param mountText /proc/self/mountinfo
 */
export function ownCgroup(cgroupText: string, mountText: string): string | undefined {
  const path = /^0::(\/.*)$/m.exec(cgroupText)?.[1];
  if (path === undefined) return undefined;
  for (const line of mountText.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", at = ""] = before.split(" ").map(unescapeMount);
    if (!after.startsWith("cgroup2 ")) continue;
    const below =
      root === "/"
        ? path
        : path.startsWith(`${root}/`) || path === root
          ? path.slice(root.length)
          : undefined;
    if (below === undefined || below.split("/").includes("..")) continue;
    const own = join(at, below);
    const folder = own.endsWith("/") ? own.slice(0, -1) : own;
    return below !== "/" && basename(folder) === AGENT_LEAF ? dirname(folder) : folder;
  }
  return undefined;
}

/**
 * Lets the groups below have limits. The kernel wants nobody in the group
 * around them then, so the agent moves into a leaf; when others are in it, such
 * as the shell of whoever started it by hand, there are no limits by the kernel.
 * @returns true when the agent is in its leaf
 */
function shareControllers(base: string): boolean {
  const there = textOf(join(base, "cgroup.controllers")).trim().split(" ");
  const wanted = CONTROLLERS.filter((name) => there.includes(name));
  if (wanted.length === 0) return false;
  const leaf = join(base, AGENT_LEAF);
  // The root of all groups is the one that may hold processes as well.
  const isRoot = !existsSync(join(base, "cgroup.type"));
  if (!isRoot) {
    if (!existsSync(leaf)) mkdirSync(leaf);
    writeFileSync(join(leaf, "cgroup.procs"), String(process.pid));
  }
  for (const name of wanted) tryWrite(join(base, "cgroup.subtree_control"), `+${name}`);
  return !isRoot;
}

function unescapeMount(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** A folder and those below it, outer ones first. */
function foldersBelow(path: string): string[] {
  try {
    const inner = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [path, ...inner.flatMap(({ name }) => foldersBelow(join(path, name)))];
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** @param text lines of a name and a number */
function counterIn(text: string, name: string): number {
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}

/** Removes a folder of the kernel's. @returns false when it is still there, as it is while somebody is in it */
async function removeFolder(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    return errorCode(error) === "ENOENT";
  }
}

/** Writes to a file of the kernel's. @returns false where it has none, or does not take it */
function tryWrite(path: string, value: string): boolean {
  try {
    writeFileSync(path, value, { flag: "r+" });
    return true;
  } catch {
    return false;
  }
}
