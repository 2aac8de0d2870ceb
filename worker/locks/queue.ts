/**
 * Who may have which locks, and who may run. Pure. Requests stand in the order
 * in which they came; one is granted when nothing that was granted, and nothing
 * that waits before it, is in its way. All of a request's locks are granted
 * together, so two requests never hold half of what the other needs. A place to
 * run is given to the first whose locks are free: who waits for a lock keeps
 * nobody from running meanwhile.
 */
import type { LockReply, LockWish } from "./contract.ts";

export interface Entry {
  owner: string;
  executionId: string;
  step: string;
  title: string;
  locks: readonly LockWish[];
  /** It is or would be one of the executions that run at once. */
  slot: boolean;
  since: number;
  granted: boolean;
}

/** The owners that may be granted now, in their order. @param limit how many may run at once */
export function grantable(entries: readonly Entry[], limit: number): string[] {
  const taken = new Map<string, "shared" | "exclusive">();
  for (const entry of entries) if (entry.granted) take(taken, entry);
  let places = limit - entries.filter(({ granted, slot }) => granted && slot).length;
  const owners: string[] = [];
  for (const entry of entries) {
    if (entry.granted) continue;
    if (entry.locks.every((lock) => isFree(taken, lock)) && (!entry.slot || places > 0)) {
      owners.push(entry.owner);
      if (entry.slot) places--;
    }
    // Those who wait keep their place: nobody who came later may pass them.
    take(taken, entry);
  }
  return owners;
}

function isFree(taken: ReadonlyMap<string, "shared" | "exclusive">, { name, mode }: LockWish): boolean {
  const mark = taken.get(name);
  return mark === undefined || (mark === "shared" && mode === "shared");
}

function take(taken: Map<string, "shared" | "exclusive">, { locks }: Entry): void {
  for (const { name, mode } of locks) {
    if (taken.get(name) !== "exclusive") taken.set(name, mode);
  }
}

/** How many stand between a request and its locks, and who is first of them; without any, between it and a place to run. */
export function placeOf(entries: readonly Entry[], owner: string): Extract<LockReply, { outcome: "queued" }> {
  const own = entries.find((entry) => entry.owner === owner);
  const before: Entry[] = [];
  for (const entry of entries) {
    if (entry.owner === owner) break;
    if (own && conflict(entry, own)) before.push(entry);
  }
  const [first] = before;
  if (first) return { outcome: "queued", ahead: before.length, holder: first.executionId };
  const waiting = entries.filter(({ slot, granted }) => slot && !granted);
  const ahead = waiting.findIndex((entry) => entry.owner === owner);
  return { outcome: "queued", ahead: Math.max(0, ahead), holder: "", reason: "organization_full" };
}

function conflict(one: Entry, other: Entry): boolean {
  return one.locks.some(({ name, mode }) =>
    other.locks.some((each) => each.name === name && (mode === "exclusive" || each.mode === "exclusive")),
  );
}
