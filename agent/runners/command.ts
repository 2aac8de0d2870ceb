/**
 * Runs a `command` block: its script, as a file, in the interpreter that it
 * names. Parameters and values are environment or stdin; nothing is ever
 * spliced into the script (S13).
 *
 * Plain `child_process.spawn`, not execa: a trivial step takes 0.2–0.3 ms less
 * of this process with it (1.0 ms against 1.3 ms, p95 1.4 against 3.4), and what
 * execa is good at, gathering output and ending processes, is done here from
 * raw descriptors and /proc in ways that it does not know.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fchownSync, openSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { pid as ownPid } from "node:process";
import type { CommandBlock } from "#protocol/blocks/index.ts";
import type { Cgroup } from "../job/cgroup.ts";
import { discard, type Pipe, type PipePool } from "../job/pipes.ts";
import { makeExpendable, type ProcessTable } from "../job/processes.ts";
import type { ProcessId } from "../job/records.ts";
import type { Texts } from "../job/values.ts";
import { folderProblem, type HostFacts } from "../policy/judge.ts";
import type { Policy } from "../policy/policy.ts";
import {
  type Account,
  accountOf,
  findProgram,
  isExecutable,
  ownAccountWith,
  switchArguments,
} from "./account.ts";
import { STEP_PATH, type StepPlace } from "./environment.ts";
import { type Exit, exitOf } from "./exit.ts";
import type { Launcher, LauncherPool } from "./launcher.ts";
import {
  type CommandFolders,
  checkEntry,
  claimName,
  makeFolders,
  OUTPUT_ENDING,
  openDirectory,
  writePrivateFile,
} from "./places.ts";
import { RunnerRefusal, systemWords } from "./refusal.ts";

export interface RunningCommand {
  process: ProcessId;
  /** The reading ends; the writing ends are closed here. */
  stdout: Pipe;
  stderr: Pipe;
  exited: Promise<Exit>;
  /** Where it has been since before it began; undefined where there are no cgroups. */
  cgroup: Cgroup | undefined;
}

/** Everything a spawn needs, made before `started` is on disk, so that the spawn follows at once. */
export interface PreparedCommand {
  program: string;
  arguments: readonly string[];
  folder: string;
  /** Open where the block names a folder, which is used instead, and by this alone. */
  directory: number | undefined;
  place: StepPlace;
  /** An open file; undefined for nothing to read. */
  stdin: number | undefined;
  stdout: Pipe;
  stderr: Pipe;
  /** A shell in a cgroup that waits to become it, and holds the writing ends of the pipes. */
  launcher: Launcher | undefined;
}

/** What commands are started with. */
export interface CommandMeans {
  pipes: PipePool;
  launchers: LauncherPool | undefined;
  policy: Policy;
  facts: Pick<HostFacts, "stepUser">;
}

export interface CommandWork {
  block: CommandBlock;
  texts: Texts;
  /** Its path in the plan: what people know it by, and so what its files are called. */
  step: string;
  /** The folder of the execution. */
  folder: string;
  /** The folders of the agent around that one. */
  around: readonly string[];
}

/** Endings that interpreters go by, or refuse to do without. */
const ENDINGS: [interpreter: RegExp, ending: string][] = [
  [/^(ba|da|k|z)?sh$/, ".sh"],
  [/^python/, ".py"],
  [/^node/, ".js"],
  [/^pwsh/, ".ps1"],
];

/** Where interpreters were found last time; looked at again, because hosts change. */
const found = new Map<string, string>();

/** @throws RunnerRefusal when this host has no such interpreter. */
export function findInterpreter(interpreter: string, path: string = STEP_PATH): string {
  const known = found.get(interpreter);
  const candidates = path.split(":").map((folder) => join(folder, interpreter));
  const usable =
    known && candidates.includes(known) && isExecutable(known) ? known : findProgram(interpreter, path);
  if (usable === undefined) {
    throw new RunnerRefusal(
      "no_interpreter",
      `this host has no ${interpreter} in ${path}: install it, or choose another interpreter for the block`,
    );
  }
  found.set(interpreter, usable);
  return usable;
}

/**
 * Makes the folders, the files and the pipes.
 * @throws RunnerRefusal
 */
export async function prepareCommand(
  work: CommandWork,
  { pipes, launchers, policy, facts }: CommandMeans,
): Promise<PreparedCommand> {
  const { block } = work;
  const interpreter = findInterpreter(block.interpreter);
  const account = await accountOf(block.user, ownAccountWith(facts.stepUser));
  const taken: Partial<PreparedCommand> = {};
  try {
    const folders = makeFolders(work.folder, work.around, account);
    const { workingDirectory: named } = block;
    const directory = named === undefined ? undefined : openDirectory(named);
    taken.directory = directory?.fd;
    const problem = named && folderProblem(policy, named, directory?.real);
    if (problem) throw new RunnerRefusal("policy", problem);
    if (directory && account) await checkEntry(directory, account);
    const { script, output, stdin } = makeFiles(work, folders, account);
    taken.stdin = stdin;
    const launcher = await launchers?.take();
    taken.launcher = launcher;
    taken.stdout = launcher?.stdout ?? (await pipes.take());
    taken.stderr = launcher?.stderr ?? (await pipes.take());
    const { stdout, stderr } = taken;
    // A script may open /dev/stderr again, which needs the right to.
    if (account) for (const pipe of [stdout, stderr]) fchownSync(pipe.readEnd, account.uid, account.gid);
    // Short where it can be: interpreters begin every message with it.
    const spoken = directory ? script : join("..", basename(folders.scripts), basename(script));
    const line = [interpreter, ...argumentsOf(block.interpreter), spoken];
    const [program = "", ...rest] = account ? [account.setpriv, ...switchArguments(account, line)] : line;
    const place = { temporary: folders.temporary, output, account };
    const where = { folder: folders.work, directory: directory?.fd };
    return { program, arguments: rest, ...where, place, stdin, stdout, stderr, launcher };
  } catch (error) {
    discardCommand(taken);
    if (error instanceof RunnerRefusal) throw error;
    throw new RunnerRefusal("prepare_failed", `cannot prepare the step on this host: ${systemWords(error)}`);
  }
}

interface CommandFiles {
  script: string;
  output: string;
  /** Open for reading, and without a name any more. */
  stdin: number | undefined;
}

function makeFiles(
  { block, texts, step }: CommandWork,
  { scripts }: CommandFolders,
  account: Account | undefined,
): CommandFiles {
  const ending = ENDINGS.find(([interpreter]) => interpreter.test(block.interpreter))?.[1] ?? "";
  const name = claimName(scripts, step, account);
  const script = join(scripts, name + ending);
  writePrivateFile(script, block.script, account);
  const output = join(scripts, `${name}${OUTPUT_ENDING}`);
  const text = texts.get("stdin");
  if (text === undefined) return { script, output, stdin: undefined };
  const input = join(scripts, `${name}.stdin`);
  writePrivateFile(input, text, account);
  const stdin = openSync(input, "r");
  rmSync(input);
  return { script, output, stdin };
}

/** What an interpreter is told besides the script: PowerShell would load a profile, and might ask. */
function argumentsOf(interpreter: string): string[] {
  return interpreter.startsWith("pwsh") ? ["-NoProfile", "-NonInteractive", "-File"] : [];
}

/** Closes what was opened for a command that is not run after all. */
export function discardCommand(prepared: Partial<PreparedCommand>): void {
  const { directory, stdin, stdout, stderr, launcher } = prepared;
  for (const fd of [directory, stdin]) if (fd !== undefined) closeSync(fd);
  if (launcher) return void launcher.discard();
  if (stdout) discard(stdout);
  if (stderr) discard(stderr);
}

/**
 * Starts it as the leader of its own session, so that its group can be signaled.
 * @throws RunnerRefusal when the operating system does not start it; the pipes are closed then
 */
export function startCommand(
  prepared: PreparedCommand,
  environment: Record<string, string>,
  table: ProcessTable,
): Promise<RunningCommand> {
  const { launcher } = prepared;
  return launcher ? launched(prepared, launcher, environment) : spawned(prepared, environment, table);
}

async function launched(
  prepared: PreparedCommand,
  launcher: Launcher,
  environment: Record<string, string>,
): Promise<RunningCommand> {
  const { directory } = prepared;
  try {
    launcher.launch({ ...prepared, folder: folderOf(prepared, ownPid), environment });
  } catch (error) {
    discardCommand(prepared);
    throw error;
  }
  const { process, stdout, stderr, exited, cgroup } = launcher;
  // The shell goes there when it comes to it.
  if (directory !== undefined) void exited.finally(() => closeSync(directory));
  return { process, stdout, stderr, exited, cgroup };
}

async function spawned(
  prepared: PreparedCommand,
  environment: Record<string, string>,
  table: ProcessTable,
): Promise<RunningCommand> {
  let child: ChildProcess;
  try {
    child = spawn(prepared.program, prepared.arguments, {
      cwd: folderOf(prepared, "self"),
      env: environment,
      detached: true,
      stdio: [prepared.stdin ?? "ignore", prepared.stdout.writeEnd, prepared.stderr.writeEnd],
    });
  } catch (error) {
    discardCommand(prepared);
    throw spawnRefusal(error);
  }
  const { pid } = child;
  if (pid === undefined) {
    discardCommand(prepared);
    throw spawnRefusal(await new Promise((resolve) => child.once("error", resolve)));
  }
  makeExpendable(pid);
  for (const fd of [prepared.directory, prepared.stdin]) if (fd !== undefined) closeSync(fd);
  closeSync(prepared.stdout.writeEnd);
  closeSync(prepared.stderr.writeEnd);
  return {
    // Not reaped before this turn of the event loop is over, so /proc still has it.
    process: { pid, startTime: table.find(pid)?.startTime ?? 0 },
    stdout: prepared.stdout,
    stderr: prepared.stderr,
    exited: exitOf(child),
    cgroup: undefined,
  };
}

/** The way to where it runs, for a process that has the folder open or may look at one that has. */
function folderOf({ folder, directory }: PreparedCommand, holder: number | "self"): string {
  return directory === undefined ? folder : `/proc/${holder}/fd/${directory}`;
}

function spawnRefusal(error: unknown): RunnerRefusal {
  return new RunnerRefusal("spawn_failed", `the operating system did not start it: ${systemWords(error)}`);
}
