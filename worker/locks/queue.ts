/**
 * Who may have which locks. Pure. Requests stand in the order in which they
 * came; one is granted when nothing that was granted, and nothing that waits
 * before it, is in its way. All of a request's locks are granted together, so
 * two requests never hold half of what the other needs.
 */
import type { LockReply, LockWish } from "./contract.ts";

export interface Entry {
  owner: string;
  executionId: string;
  step: string;
  title: string;
  locks: readonly LockWish[];
  since: number;
  granted: boolean;
}

/** The owners that may be granted now, in their order. */
export function grantable(entries: readonly Entry[]): string[] {
  const taken = new Map<string, "shared" | "exclusive">();
  for (const entry of entries) if (entry.granted) take(taken, entry);
  const owners: string[] = [];
  for (const entry of entries) {
    if (entry.granted) continue;
    if (entry.locks.every((lock) => isFree(taken, lock))) owners.push(entry.owner);
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

/** How many stand between a request and its locks, and who is first of them. */
export function placeOf(entries: readonly Entry[], owner: string): Extract<LockReply, { outcome: "queued" }> {
  const own = entries.find((entry) => entry.owner === owner);
  const before: Entry[] = [];
  for (const entry of entries) {
    if (entry.owner === owner) break;
    if (own && conflict(entry, own)) before.push(entry);
  }
  return { outcome: "queued", ahead: before.length, holder: before[0]?.executionId ?? "" };
}

function conflict(one: Entry, other: Entry): boolean {
  return one.locks.some(({ name, mode }) =>
    other.locks.some((each) => each.name === name && (mode === "exclusive" || each.mode === "exclusive")),
  );
}
