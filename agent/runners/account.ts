/**
 * The account that a step runs as, when it is not the agent's own. `setpriv`
 * takes on its id, its group and its other groups, and then becomes the
 * interpreter: the process stays the one that was spawned.
 */
import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { STEP_PATH } from "./environment.ts";
import { RunnerRefusal } from "./refusal.ts";

export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
  shell: string;
  /** The program that switches to it. */
  setpriv: string;
}

/** The first program of this name on the path; undefined when there is none. */
export function findProgram(name: string, path: string = STEP_PATH): string | undefined {
  return path
    .split(":")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Whom the agent runs as. */
export interface OwnAccount {
  uid: number;
  username: string;
  /** As `HostFacts` has it. */
  stepUser?: string | undefined;
}

const OWN: OwnAccount = userInfo();

/** @param stepUser as `HostFacts` has it */
export function ownAccountWith(stepUser: string | undefined): OwnAccount {
  return { ...OWN, stepUser };
}

/**
 * @param named by the block
 * @returns undefined when the step runs as the agent's own user
 * @throws RunnerRefusal when there is no such account, or the agent cannot become it, or is not to
 */
export async function accountOf(
  named: string | undefined,
  own: OwnAccount,
  path: string = STEP_PATH,
): Promise<Account | undefined> {
  const { stepUser } = own;
  const name = named ?? stepUser;
  if (name === undefined || (name === own.username && stepUser === undefined)) return undefined;
  if (own.uid !== 0) {
    const detail = `the agent runs as "${own.username}" and only root may run a step as another user: run the agent as root, or as "${name}", or leave the user out`;
    throw new RunnerRefusal("cannot_switch_user", detail);
  }
  const [setpriv, getent] = [findProgram("setpriv", path), findProgram("getent", path)];
  if (setpriv === undefined || getent === undefined) {
    const missing = setpriv === undefined ? "setpriv (of util-linux)" : "getent";
    throw new RunnerRefusal(
      "cannot_switch_user",
      `running a step as another user needs ${missing}: install it`,
    );
  }
  const [, , uid, gid, , home = "/", shell = ""] = (await lookUp(getent, name)).split(":");
  if (stepUser !== undefined && Number(uid) === 0) {
    const detail = `no step runs as root here, where the agent is root only to run steps as others: name another user than "${name}"`;
    throw new RunnerRefusal("cannot_switch_user", detail);
  }
  return {
    ...{ name, uid: Number(uid), gid: Number(gid), home, setpriv },
    shell: shell || "/bin/sh",
  };
}

/** The arguments of `setpriv` for a command line. */
export function switchArguments({ name, gid }: Account, command: readonly string[]): string[] {
  return [`--reuid=${name}`, `--regid=${gid}`, "--init-groups", "--", ...command];
}

/** Whether the account may enter a folder by its path, by whatever gives it the right to. */
export function mayEnter(account: Account, folder: string): Promise<boolean> {
  const asIt = switchArguments(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", folder]);
  return new Promise((resolve) => {
    execFile(account.setpriv, asIt, { cwd: "/", env: { PATH: STEP_PATH }, timeout: 10_000 }, (error) =>
      resolve(error === null),
    );
  });
}

/** The innermost folder around a path that the account may not enter; undefined when it may enter all. */
export function closedFolder(path: string, { uid, gid }: Account): string | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, uid: owner, gid: group } = statSync(folder);
    const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function lookUp(getent: string, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(getent, ["passwd", name], { env: { PATH: STEP_PATH }, timeout: 10_000 }, (error, stdout) => {
      const line = stdout.split("\n", 1)[0] ?? "";
      if (error || line.split(":").length < 7) {
        reject(new RunnerRefusal("no_user", `this host has no account "${name}": make it, or name another`));
      } else resolve(line);
    });
  });
}
