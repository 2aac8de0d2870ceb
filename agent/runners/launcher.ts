/**
 * Shells that wait, each in a cgroup of its own, to become a step. Moving a
 * process into a cgroup costs 10 to 20 ms, for it waits for every processor of
 * the host; so it is done ahead, and nothing of a step ever runs outside.
 *
 * What a shell is to become comes over the pipe that it reads its commands from,
 * never by a command line, which others could read. Should the agent die, the
 * pipe ends, and so does the shell.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, writeFile, writeSync } from "node:fs";
import type { Clock } from "../clock.ts";
import type { Cgroup, Cgroups } from "../job/cgroup.ts";
import { discard, type Pipe, type PipePool } from "../job/pipes.ts";
import { makeExpendable, type ProcessTable } from "../job/processes.ts";
import type { ProcessId } from "../job/records.ts";
import { type Log, wordsOf } from "../log.ts";
import { checkArguments } from "./argumentSize.ts";
import { STEP_PATH } from "./environment.ts";
import { type Exit, exitOf } from "./exit.ts";
import { systemWords } from "./refusal.ts";

/** Shells that wait while nothing is started. */
const READY = 6;
/** With fewer, one more is made beside each step that starts: a row of steps takes them faster than there is a pause. */
const LOW_WATER = 4;
/** So long after the last start the others are made: to start a process holds up the agent. */
const PAUSE_MS = 50;
/** An empty pipe takes so much at once, whatever the size of a page. */
const PIPE_BYTES = 32 * 1024;
const SHELL = "/bin/sh";
/** Variables that shells reserve for themselves, and others that begin with BASH. */
const RESERVED = /^(PWD|OLDPWD|SHLVL|PPID|UID|EUID|OPTIND|LINENO|SHELLOPTS|_|BASH.*)$/;
/** What a shell takes for a name; anything else would be carried out. */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface LaunchedProgram {
  program: string;
  arguments: readonly string[];
  folder: string;
  environment: Record<string, string>;
  /** An open file of this process; undefined for nothing to read. */
  stdin: number | undefined;
}

/** One waiting shell. Its pipes are open for reading here, and for writing there. */
export interface Launcher {
  process: ProcessId;
  cgroup: Cgroup;
  stdout: Pipe;
  stderr: Pipe;
  exited: Promise<Exit>;
  /** Has it become this. @throws RunnerRefusal when that is too large for the operating system */
  launch(program: LaunchedProgram): void;
  /** Nothing is to be started after all. Resolves when the shell and its group are gone. */
  discard(): Promise<void>;
}

interface LauncherPoolOptions {
  cgroups: Cgroups;
  pipes: PipePool;
  table: ProcessTable;
  clock: Clock;
  log: Log;
}

export class LauncherPool {
  readonly #options: LauncherPoolOptions;
  readonly #ready: Launcher[] = [];
  #making: Promise<void> | undefined;
  /** How many there are to be. */
  #goal = READY;
  #cancelPause: () => void = () => {};
  #closed = false;

  /** @returns undefined when a shell cannot move into a group here */
  static async open(options: LauncherPoolOptions): Promise<LauncherPool | undefined> {
    const pool = new LauncherPool(options);
    try {
      const first = await pool.#makeOne();
      const code = await Promise.race([first.exited, inItsGroup(first)]);
      if (code === undefined) {
        pool.#add(first);
        pool.#makeUpTo(READY);
        return pool;
      }
      await first.discard();
      options.log.info(
        "cannot move processes into cgroups; processes of steps are found by looking for them",
      );
    } catch (error) {
      options.log.warn("cannot use cgroups", { reason: wordsOf(error) });
    }
    return undefined;
  }

  private constructor(options: LauncherPoolOptions) {
    this.#options = options;
  }

  async take(): Promise<Launcher> {
    const ready = this.#ready.shift();
    if (ready) return ready;
    return this.#makeOne();
  }

  /** One was taken, and its step has begun: sees to the next ones. */
  refill(): void {
    this.#makeUpTo(Math.min(this.#ready.length + 1, LOW_WATER));
    this.#cancelPause();
    this.#cancelPause = this.#options.clock.after(PAUSE_MS, () => this.#makeUpTo(READY));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelPause();
    await this.#making;
    await Promise.all(this.#ready.splice(0).map((launcher) => launcher.discard()));
  }

  #makeUpTo(count: number): void {
    this.#goal = count;
    this.#making ??= this.#make()
      .catch((error) => this.#options.log.warn("cannot start a shell ahead", { reason: wordsOf(error) }))
      .finally(() => {
        this.#making = undefined;
      });
  }

  async #make(): Promise<void> {
    while (this.#ready.length < this.#goal && !this.#closed) this.#add(await this.#makeOne());
  }

  #add(launcher: Launcher): void {
    if (this.#closed) return void launcher.discard();
    this.#ready.push(launcher);
    void launcher.exited.then(() => {
      const place = this.#ready.indexOf(launcher);
      if (place < 0) return;
      this.#ready.splice(place, 1);
      void launcher.discard();
    });
  }

  async #makeOne(): Promise<Launcher> {
    const { cgroups, pipes, table } = this.#options;
    const taken: Pipe[] = [];
    const cgroup = await cgroups.make();
    try {
      for (let count = 0; count < 3; count++) taken.push(await pipes.take());
      const [control, stdout, stderr] = taken;
      if (!control || !stdout || !stderr) throw new Error("no pipes");
      const child = await spawned(cgroup, control, stdout, stderr);
      const exited = exitOf(child.process);
      for (const fd of [control.readEnd, stdout.writeEnd, stderr.writeEnd]) closeSync(fd);
      const identity = { pid: child.pid, startTime: table.find(child.pid)?.startTime ?? 0 };
      return asLauncher({ process: identity, cgroup, stdout, stderr, exited }, control.writeEnd, cgroups);
    } catch (error) {
      for (const pipe of taken) discard(pipe);
      void cgroups.remove(cgroup);
      throw error;
    }
  }
}

function asLauncher(
  facts: Omit<Launcher, "launch" | "discard">,
  control: number,
  cgroups: Cgroups,
): Launcher {
  return {
    ...facts,
    launch: (program) => {
      const { stdin } = program;
      checkArguments([program.program, ...program.arguments], program.environment);
      if (stdin !== undefined) void facts.exited.finally(() => closeSync(stdin));
      tell(control, scriptOf(program));
    },
    discard: async () => {
      for (const fd of [control, facts.stdout.readEnd, facts.stderr.readEnd]) closeSync(fd);
      await facts.exited;
      await cgroups.close(facts.cgroup);
    },
  };
}

async function spawned(
  cgroup: Cgroup,
  control: Pipe,
  stdout: Pipe,
  stderr: Pipe,
): Promise<{ process: ChildProcess; pid: number }> {
  writeSync(control.writeEnd, `echo 0 > ${quoted(cgroup.entrance)} || exit\n`);
  // The pipe's own end does not wait for what is to come.
  const waiting = openSync(`/proc/self/fd/${control.readEnd}`, "r");
  const child = spawn(SHELL, [], {
    env: { PATH: STEP_PATH },
    detached: true,
    stdio: [waiting, stdout.writeEnd, stderr.writeEnd],
  });
  closeSync(waiting);
  if (child.pid !== undefined) {
    makeExpendable(child.pid);
    return { process: child, pid: child.pid };
  }
  throw new Error(systemWords(await new Promise((resolve) => child.once("error", resolve))));
}

/** Resolves when the shell is where it should be. */
async function inItsGroup({ cgroup, process: { pid } }: Launcher): Promise<undefined> {
  while (!cgroup.members().includes(pid)) await new Promise((resolve) => setTimeout(resolve, 2));
  return undefined;
}

/** Writes it all and closes. More than an empty pipe takes is written by a thread, which may wait. */
function tell(control: number, text: string): void {
  const bytes = Buffer.from(text);
  if (bytes.length > PIPE_BYTES) {
    // A shell that is gone reads nothing; its exit says so.
    writeFile(control, bytes, () => closeSync(control));
    return;
  }
  try {
    writeSync(control, bytes);
  } catch {
    // The same.
  }
  closeSync(control);
}

/** What the shell does to become the program. The environment is data: each value is one quoted word, and so is a name that is not plain. */
export function scriptOf({ program, arguments: rest, folder, environment, stdin }: LaunchedProgram): string {
  const entries = Object.entries(environment);
  const isForShell = (name: string) => PLAIN.test(name) && !RESERVED.test(name);
  const others = entries.filter(([name]) => !isForShell(name)).map(([name, value]) => `${name}=${value}`);
  // The program must not see what a shell only keeps for itself, so such names are set past it.
  const around = others.length > 0 ? ["/usr/bin/env", ...others] : [];
  const input = stdin === undefined ? "/dev/null" : `/proc/${process.pid}/fd/${stdin}`;
  return [
    `cd -- ${quoted(folder)} || exit`,
    "unset PATH PWD OLDPWD SHLVL",
    ...entries.filter(([name]) => isForShell(name)).map(([name, value]) => `export ${name}=${quoted(value)}`),
    // Last, and in one line: from here on there is nothing to read commands from.
    `exec ${[...around, program, ...rest].map(quoted).join(" ")} < ${input}`,
    "",
  ].join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
