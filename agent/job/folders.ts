/**
 * The folder of each execution, where its commands run. All leases of an
 * execution on this host share it, one after the other and at once. The last
 * of them to end says what becomes of it: it goes, or it waits for the next
 * lease, but not longer than the plan is good for, and a week at the most. The
 * host may want to keep what nobody waits for as well, for people to look at.
 */
import { readdirSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, steadyTime } from "../clock.ts";
import { type Log, wordsOf } from "../log.ts";
import type { Journal } from "./journal.ts";
import { Leaving } from "./leaving.ts";

/** What becomes of the folder of an execution that is over. */
export type WorkdirPolicy =
  | { keep: "never" }
  | {
      /** `failed`: where a step of it did not succeed. */
      keep: "failed" | "always";
      /** For so long, at most a week. */
      forMs: number;
      /** All that are kept for people to look at; the oldest go first. */
      maxBytes: number;
    };

const KEEP_MAX_MS = 7 * 24 * 60 * 60 * 1000;

interface FoldersOptions {
  /** Where they lie. */
  root: string;
  /** The state directory of the agent. */
  state: string;
  journal: Pick<Journal, "append" | "state">;
  clock: Clock;
  log: Log;
  /** What the host wants now. */
  policy(): WorkdirPolicy;
}

export class Folders {
  readonly #options: FoldersOptions;
  readonly #now: () => number;
  readonly #leaving: Leaving;
  /** By execution: the keys of its leases that are open here. */
  readonly #users = new Map<string, Set<string>>();
  /** Executions with a step that failed, until they are over. */
  readonly #failed = new Set<string>();
  readonly #timers = new Map<string, () => void>();
  /** Kept for people to look at, oldest first, with their size. After a restart they only wait for their time. */
  readonly #exhibits = new Map<string, number>();

  constructor(options: FoldersOptions) {
    this.#options = options;
    this.#now = steadyTime(options.clock);
    this.#leaving = new Leaving(options);
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
   * between must not lose what was to be kept. Its name is free once this returns.
   * @param keepUntil wall clock ms; undefined when nothing will come after it
   * @param failed whether a step of this lease failed
   */
  async close(
    executionId: string,
    leaseKey: string,
    keepUntil: number | undefined,
    failed = false,
  ): Promise<void> {
    if (failed) this.#failed.add(executionId);
    const users = this.#users.get(executionId);
    users?.delete(leaseKey);
    if (users && users.size > 0) return;
    this.#users.delete(executionId);
    const now = this.#now();
    if (keepUntil === undefined) await this.#over(executionId);
    else if (keepUntil <= now) this.#remove(executionId);
    else this.#keep(executionId, Math.min(keepUntil - now, KEEP_MAX_MS));
  }

  /** Nothing will come after it: what the host wants is done. */
  async #over(executionId: string): Promise<void> {
    const policy = this.#options.policy();
    const failed = this.#failed.delete(executionId);
    if (policy.keep === "never" || (policy.keep === "failed" && !failed)) return this.#remove(executionId);
    this.#keep(executionId, Math.min(policy.forMs, KEEP_MAX_MS));
    this.#exhibits.set(executionId, await sizeOf(this.pathOf(executionId)));
    for (const [oldest] of this.#exhibits) {
      const sum = [...this.#exhibits.values()].reduce((before, bytes) => before + bytes, 0);
      if (sum <= policy.maxBytes) return;
      this.#remove(oldest);
    }
  }

  #keep(executionId: string, ms: number): void {
    const { journal, clock, log } = this.#options;
    // The next run begins with the clock as it is: this one may have begun before the host knew the time.
    const until = clock.now() + ms;
    try {
      journal.append({ type: "kept", execution: executionId, until });
    } catch (error) {
      log.error("cannot write the journal; a restart will not know that a folder is kept", {
        ...{ executionId, reason: wordsOf(error) },
      });
    }
    this.#removeIn(executionId, ms);
  }

  /** At the start, once all leases are taken up again: removes what nobody will come back for. */
  async tidy(): Promise<void> {
    const { journal, root } = this.#options;
    const idle = Array.from(journal.state.kept).filter(([executionId]) => !this.#users.has(executionId));
    const due = idle.filter(([, until]) => until <= this.#now()).map(([executionId]) => executionId);
    for (const [executionId, until] of idle) this.#removeIn(executionId, until - this.#now());
    const strays = readdirSync(root).filter(
      (name) => !this.#users.has(name) && (!journal.state.kept.has(name) || due.includes(name)),
    );
    for (const name of strays) this.#remove(name);
    await this.#leaving.removeNow();
  }

  /** Nothing is done later. Resolves when what is over already is gone as well. */
  async suspend(): Promise<void> {
    for (const executionId of this.#timers.keys()) this.#cancelTimer(executionId);
    await this.#leaving.removeNow();
  }

  #removeIn(executionId: string, ms: number): void {
    const { clock } = this.#options;
    this.#cancelTimer(executionId);
    const cancel = clock.after(Math.min(ms, KEEP_MAX_MS), () => this.#remove(executionId));
    this.#timers.set(executionId, cancel);
  }

  #cancelTimer(executionId: string): void {
    this.#timers.get(executionId)?.();
    this.#timers.delete(executionId);
  }

  #remove(executionId: string): void {
    const { journal, log } = this.#options;
    this.#cancelTimer(executionId);
    this.#failed.delete(executionId);
    this.#exhibits.delete(executionId);
    try {
      if (journal.state.kept.has(executionId)) journal.append({ type: "kept", execution: executionId });
      this.#leaving.add(executionId);
    } catch (error) {
      log.warn("cannot remove the folder of an execution", { executionId, reason: wordsOf(error) });
    }
  }
}

/** Bytes of everything in a folder; what goes meanwhile counts as nothing. */
async function sizeOf(path: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(path).catch(() => [])) {
    const inner = join(path, name);
    const info = await lstat(inner).catch(() => undefined);
    sum += info?.isDirectory() ? await sizeOf(inner) : (info?.size ?? 0);
  }
  return sum;
}
