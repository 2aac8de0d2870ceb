/** A model of the organization's locks, around the queue that the product uses, with strangers who want them too; and of the places of executions that run at once. */
import type { LockWish } from "../../worker/locks/contract.ts";
import { type Entry, grantable, placeOf } from "../../worker/locks/queue.ts";
import type { Coordinator } from "./coordinator.ts";
import { Violation, type World } from "./world.ts";

const CHECK_MS = 60_000;
/** A hold of a month is asked about less often. */
const CALM_CHECK_MS = 60 * 60_000;
const OWN = "own/";

export class LockService {
  coordinator: Coordinator | undefined;
  /** How many run at once. */
  readonly limit: number;
  readonly #world: World;
  #entries: Entry[] = [];
  readonly #fences = new Map<string, number>();
  readonly #grants = new Map<string, Record<string, number>>();
  #strangers = 0;
  #watching = false;

  constructor(world: World, limit: number) {
    this.#world = world;
    this.limit = limit;
  }

  /** True when the execution holds or wants nothing. */
  get isFree(): boolean {
    return !this.#entries.some(({ owner }) => owner.startsWith(OWN));
  }

  acquire(step: string, locks: readonly LockWish[], slot: boolean): void {
    const owner = OWN + step;
    this.#add(owner, step, locks, slot);
    this.#stand(owner, step);
  }

  /** Tells how a request stands. */
  #stand(owner: string, step: string): void {
    const own = this.#entries.find((entry) => entry.owner === owner);
    if (own?.granted) return this.#tell(own);
    const { ahead, holder, reason } = placeOf(this.#entries, owner);
    this.#world.send(`locks: "${step}" waits`, () =>
      this.coordinator?.decide({ type: "locks.queued", step, ahead, holder, reason }),
    );
  }

  release(step: string): void {
    this.#remove(OWN + step);
  }

  /** Somebody else takes locks or a place, for a while. */
  stranger(locks: readonly LockWish[], slot: boolean, ms: number): void {
    const owner = `stranger/${++this.#strangers}`;
    this.#add(owner, "", locks, slot);
    this.#world.after(ms, "", () => this.#remove(owner));
  }

  #add(owner: string, step: string, locks: readonly LockWish[], slot: boolean): void {
    if (this.#entries.some((entry) => entry.owner === owner)) return;
    this.#entries.push({ owner, executionId: owner, step, title: "", locks, slot, since: 0, granted: false });
    this.#grant();
    this.#watch();
  }

  #remove(owner: string): void {
    this.#entries = this.#entries.filter((entry) => entry.owner !== owner);
    this.#grants.delete(owner);
    this.#grant();
  }

  #grant(): void {
    for (const owner of grantable(this.#entries, this.limit)) {
      const entry = this.#entries.find((each) => each.owner === owner);
      if (!entry) continue;
      entry.granted = true;
      const fences = entry.locks.map(({ name }): [string, number] => {
        const fence = (this.#fences.get(name) ?? 0) + 1;
        this.#fences.set(name, fence);
        return [name, fence];
      });
      this.#grants.set(owner, Object.fromEntries(fences));
      if (owner.startsWith(OWN)) this.#tell(entry);
    }
  }

  #tell({ owner, step }: Entry): void {
    const fences = this.#grants.get(owner) ?? {};
    this.#world.send(`locks: "${step}" has them`, () =>
      this.coordinator?.decide({ type: "locks.granted", step, fences }),
    );
  }

  #watch(): void {
    if (this.#watching || this.isFree) return;
    this.#watching = true;
    this.#world.after(this.#world.calm ? CALM_CHECK_MS : CHECK_MS, "", () => this.#check());
  }

  /** Hears whether everybody still wants their locks, and tells them how they stand. */
  #check(): void {
    for (const { owner, step } of this.#entries.filter((entry) => entry.owner.startsWith(OWN))) {
      this.#world.send(`locks: does "${step}" still want them?`, () => {
        if (this.coordinator?.wantsLocks(step) === false) this.#remove(owner);
        else this.#stand(owner, step);
      });
    }
    this.#watching = false;
    this.#watch();
  }

  /** @throws Violation when a step believes to hold what it does not, an exclusive lock has two holders, or too many run */
  verify(): void {
    const state = this.coordinator?.state;
    if (!state) return;
    const believed = [{ path: "", locks: state.locks, ended: state.end !== undefined }];
    for (const { path, locks, finishedAt } of state.steps.values()) {
      believed.push({ path, locks, ended: finishedAt !== undefined });
    }
    for (const { path, locks, ended } of believed) {
      if (locks?.status !== "granted" || ended) continue;
      const grant = this.#grants.get(OWN + path);
      if (JSON.stringify(grant) !== JSON.stringify(locks.fences)) {
        throw new Violation("locks", `"${path}" goes on without its locks`);
      }
    }
    const running = this.#entries.filter(({ granted, slot }) => granted && slot).length;
    if (running > this.limit) throw new Violation("limit", `${running} run at once, ${this.limit} may`);
    const holders = new Map<string, string>();
    for (const { owner, locks, granted } of this.#entries) {
      for (const { name, mode } of granted ? locks : []) {
        const known = holders.get(name);
        if (known && (mode === "exclusive" || known === "exclusive")) {
          throw new Violation("locks", `"${name}" is held twice, by ${owner} and somebody before`);
        }
        holders.set(name, mode);
      }
    }
  }
}
