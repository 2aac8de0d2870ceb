/**
 * Removes folders that are over. Each gives up its name at once, because there
 * may soon be another one of that name; what is in it goes a little later, with
 * all that came to be over meanwhile: it takes a process to remove folders, and
 * to start one holds up the agent for longer than anything else at an end.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "../clock.ts";
import { type Log, wordsOf } from "../log.ts";
import { STEP_PATH } from "../runners/environment.ts";

/** What is on its way out has a name that no execution has. */
const LEAVING = ".leaving-";
/** From the first that is over to the removal of all that are by then. */
export const GATHER_MS = 200;

interface LeavingOptions {
  /** Where the folders lie. */
  root: string;
  clock: Clock;
  log: Log;
}

export class Leaving {
  readonly #options: LeavingOptions;
  /** Holds those that go next; undefined while there are none. */
  #folder: string | undefined;
  #count = 0;
  #cancelTimer: () => void = () => {};

  constructor(options: LeavingOptions) {
    this.#options = options;
  }

  /**
   * Takes the folder away; where there is none of this name nothing is done.
   * @throws the system's error when it cannot be moved
   */
  add(name: string): void {
    const { root, clock } = this.#options;
    const path = join(root, name);
    if (!lstatSync(path, { throwIfNoEntry: false })) return;
    if (this.#folder === undefined) {
      const folder = join(root, LEAVING + randomBytes(8).toString("hex"));
      mkdirSync(folder, { mode: 0o700 });
      this.#folder = folder;
      this.#cancelTimer = clock.after(GATHER_MS, () => void this.removeNow());
    }
    renameSync(path, join(this.#folder, String(++this.#count)));
  }

  /** Waits for no others. Resolves when all that were added are gone, or cannot be removed. */
  async removeNow(): Promise<void> {
    const { log } = this.#options;
    const folder = this.#folder;
    this.#folder = undefined;
    this.#cancelTimer();
    if (folder === undefined) return;
    await removeAll(folder).catch((error) =>
      log.warn("cannot remove everything that executions left behind", { folder, reason: wordsOf(error) }),
    );
  }
}

/**
 * Node's own `rm` goes by paths, and where it is root a daemon that a step of
 * another user left behind could put a link in the place of a folder on the
 * way: the system's goes by open folders. A mount that no longer answers holds
 * it up alone.
 */
async function removeAll(path: string): Promise<void> {
  await promisify(execFile)("rm", ["-rf", "--", path], { env: { PATH: STEP_PATH }, cwd: "/" });
}
