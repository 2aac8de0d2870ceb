/** The folders and files of a command on the host. */
import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { errorCode } from "../files.ts";
import { type Account, closedFolder, mayEnter } from "./account.ts";
import { RunnerRefusal } from "./refusal.ts";

/** Where the commands of one execution run, as one user. All of it goes with the folder of the execution. */
export interface CommandFolders {
  /** Where scripts run. */
  work: string;
  temporary: string;
  /** Where the scripts lie, beside the working directory and not in it. Nobody but the agent's user writes here. */
  scripts: string;
}

export function foldersOf(root: string): CommandFolders {
  return { work: join(root, "work"), temporary: join(root, "tmp"), scripts: join(root, "scripts") };
}

/**
 * Makes the folders. Each other account gets its own, inside those of the
 * agent: what it owns it may only fill, never replace by a link to elsewhere.
 * @param execution the folder of the execution
 * @param around the folders of the agent around it, which only its own user may enter so far
 * @throws RunnerRefusal when the account cannot get there
 */
export function makeFolders(
  execution: string,
  around: readonly string[],
  account: Account | undefined,
): CommandFolders {
  if (!account) {
    const folders = foldersOf(execution);
    for (const folder of Object.values(folders)) {
      // All but the first step of an execution finds them: to look costs less than to try.
      if (!isFolder(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    return folders;
  }
  const users = join(execution, "users");
  const folders = foldersOf(join(users, account.name));
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const folder of [folders.work, folders.temporary]) chownSync(folder, account.uid, account.gid);
  for (const folder of [...around, execution, users, join(users, account.name), folders.scripts]) {
    // To be passed through by who knows the way, and not to be listed.
    if ((statSync(folder).mode & 0o111) !== 0o111) chmodSync(folder, 0o711);
  }
  const closed = closedFolder(folders.work, account);
  if (closed === undefined) return folders;
  const detail = `the account "${account.name}" may not enter ${closed}: let it, or start the agent with a --work-dir that it may enter`;
  throw new RunnerRefusal("cannot_switch_user", detail);
}

/** To hold a folder without the right to list it. Node has no name for it; Linux has one number. */
const O_PATH = 0o10000000;

/** An open folder: what is judged of it stays true of it, whatever its name leads to later. */
export interface OpenDirectory {
  fd: number;
  /** Without links and dots. */
  real: string;
}

/** @throws RunnerRefusal when there is no such folder, or the agent may not enter it. */
export function openDirectory(path: string): OpenDirectory {
  const fd = opened(path);
  const way = `/proc/self/fd/${fd}`;
  try {
    accessSync(way, constants.X_OK);
    return { fd, real: readlinkSync(way) };
  } catch (error) {
    closeSync(fd);
    throw errorCode(error) === "EACCES" ? mayNotEnter("the agent", path) : error;
  }
}

function opened(path: string): number {
  try {
    return openSync(path, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    const code = errorCode(error) ?? "";
    if (code === "EACCES") throw mayNotEnter("the agent", path);
    if (!["ENOENT", "ENOTDIR"].includes(code)) throw error;
    const detail = `this host has no folder ${path}: make it in an earlier step, or choose another working directory`;
    throw new RunnerRefusal("no_working_directory", detail);
  }
}

/**
 * An agent that is root would take an account along to where it could not go by itself.
 * @throws RunnerRefusal when the account may not enter the folder, or one around it
 */
export async function checkEntry({ real }: OpenDirectory, account: Account): Promise<void> {
  if (!(await mayEnter(account, real))) throw mayNotEnter(`the account "${account.name}"`, real);
}

function mayNotEnter(who: string, path: string): RunnerRefusal {
  const detail = `${who} may not enter ${path}: let it, or choose another working directory`;
  return new RunnerRefusal("no_working_directory", detail);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Of the file where a script hands values on. */
export const OUTPUT_ENDING = ".output";

const NAME_MAX = 100;

/**
 * A name for the files of one attempt, after its step: `check`, and `check.2`
 * for the next one. Taken by making its output file, so no two attempts ever
 * share it, whichever lease and agent process they belong to: a shell reads its
 * script as it goes.
 */
export function claimName(scripts: string, step: string, account: Account | undefined): string {
  const base = step.replaceAll(/[^\w~-]/g, "_").slice(0, NAME_MAX);
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}.${number}`;
    try {
      writePrivateFile(join(scripts, name + OUTPUT_ENDING), "", account, "wx");
      return name;
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
  }
}

/** Writes a file that only the agent and the account of the step may read. */
export function writePrivateFile(
  path: string,
  text: string,
  account: Account | undefined,
  flag: "w" | "wx" = "w",
): void {
  writeFileSync(path, text, { mode: 0o600, flag });
  if (account) chownSync(path, account.uid, account.gid);
}
