/**
 * The folder of each execution, where its commands run. All leases of an
 * execution on this host share it, one after the other and at once. The last
 * of them to end says what becomes of it: it goes, or it waits for the next
 * lease, but not longer than the plan is good for, and a week at the most.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { errorCode } from "../files.ts";
import { type Log, wordsOf } from "../log.ts";
import type { Journal } from "./journal.ts";

const KEEP_MAX_MS = 7 * 24 * 60 * 60 * 1000;
/** What is on its way out has a name that no execution has. */
const LEAVING = ".leaving-";

interface FoldersOptions {
  /** Where they lie. */
  root: string;
  /** The state directory of the agent. */
  state: string;
  journal: Pick<Journal, "append" | "state">;
  clock: Clock;
  log: Log;
}

export class Folders {
  readonly #options: FoldersOptions;
  /** By execution: the keys of its leases that are open here. */
  readonly #users = new Map<string, Set<string>>();
  readonly #timers = new Map<string, () => void>();

  constructor(options: FoldersOptions) {
    this.#options = options;
  }

  /** The agent's own folders around them, from the outside in. */
  get around(): readonly string[] {
    const { root, state } = this.#options;
    return root.startsWith(`${state}/`) ? [state, root] : [root];
  }

  pathOf(executionId: string): string {
    return join(this.#options.root, executionId);
  }

  /** A lease has begun, or was taken up again after a restart. */
  open(executionId: string, leaseKey: string): void {
    const users = this.#users.get(executionId) ?? new Set();
    this.#users.set(executionId, users.add(leaseKey));
    this.#cancelTimer(executionId);
  }

  /**
   * A lease is over. Call it before that is noted in the journal: a crash in
   * between must not lose what was to be kept.
   * @param keepUntil wall clock ms; undefined when nothing will come after it
   */
  close(executionId: string, leaseKey: string, keepUntil: number | undefined): Promise<void> {
    const users = this.#users.get(executionId);
    users?.delete(leaseKey);
    if (users && users.size > 0) return Promise.resolve();
    this.#users.delete(executionId);
    const { clock, journal, log } = this.#options;
    const now = clock.now();
    if (keepUntil === undefined || keepUntil <= now) return this.#remove(executionId);
    const until = Math.min(keepUntil, now + KEEP_MAX_MS);
    try {
      journal.append({ type: "kept", execution: executionId, until });
    } catch (error) {
      log.error("cannot write the journal; a restart will not know that a folder is kept", {
        ...{ executionId, reason: wordsOf(error) },
      });
    }
    this.#removeAt(executionId, until);
    return Promise.resolve();
  }

  /** At the start, once all leases are taken up again: removes what nobody will come back for. */
  async tidy(): Promise<void> {
    const { journal, clock, root } = this.#options;
    const idle = Array.from(journal.state.kept).filter(([executionId]) => !this.#users.has(executionId));
    const due = idle.filter(([, until]) => until <= clock.now()).map(([executionId]) => executionId);
    for (const [executionId, until] of idle) this.#removeAt(executionId, until);
    const strays = readdirSync(root).filter(
      (name) => !this.#users.has(name) && (!journal.state.kept.has(name) || due.includes(name)),
    );
    await Promise.all(strays.map((name) => this.#remove(name)));
  }

  suspend(): void {
    for (const executionId of this.#timers.keys()) this.#cancelTimer(executionId);
  }

  #removeAt(executionId: string, until: number): void {
    const { clock } = this.#options;
    this.#cancelTimer(executionId);
    const cancel = clock.after(
      Math.min(until - clock.now(), KEEP_MAX_MS),
      () => void this.#remove(executionId),
    );
    this.#timers.set(executionId, cancel);
  }

  #cancelTimer(executionId: string): void {
    this.#timers.get(executionId)?.();
    this.#timers.delete(executionId);
  }

  /** Takes its name first: a new lease of the execution may begin while it is being removed. */
  async #remove(executionId: string): Promise<void> {
    const { root, journal, log } = this.#options;
    this.#cancelTimer(executionId);
    const leaving = join(root, LEAVING + randomBytes(8).toString("hex"));
    try {
      if (journal.state.kept.has(executionId)) journal.append({ type: "kept", execution: executionId });
      mkdirSync(leaving, { mode: 0o700 });
      renameSync(this.pathOf(executionId), join(leaving, "folder"));
    } catch (error) {
      // An execution without a command has no folder.
      if (errorCode(error) !== "ENOENT") {
        log.warn("cannot remove the folder of an execution", { executionId, reason: wordsOf(error) });
      }
    }
    await rm(leaving, { recursive: true, force: true }).catch((error) =>
      log.warn("cannot remove everything an execution left behind", { executionId, reason: wordsOf(error) }),
    );
  }
}
