import { describe, expect, it } from "vitest";
import { type Entry, grantable, placeOf } from "./queue.ts";

const NO_LIMIT = Number.POSITIVE_INFINITY;

/** @param wishes names of locks, `:s` for a shared one; `+` for a place to run */
function entry(owner: string, wishes: string, granted = false): Entry {
  const words = wishes.split(" ").filter((word) => word !== "+");
  const locks = words.map((wish) => {
    const [name = "", mode] = wish.split(":");
    return { name, mode: mode === "s" ? ("shared" as const) : ("exclusive" as const) };
  });
  const slot = wishes.includes("+");
  return { owner, executionId: owner, step: "", title: owner, locks, slot, since: 0, granted };
}

describe("who may have which locks", () => {
  it("gives an exclusive lock to one", () => {
    expect(grantable([entry("a", "x"), entry("b", "x")], NO_LIMIT)).toEqual(["a"]);
    expect(grantable([entry("a", "x", true), entry("b", "x")], NO_LIMIT)).toEqual([]);
  });

  it("gives a shared lock to many, and an exclusive one to nobody meanwhile", () => {
    expect(grantable([entry("a", "x:s", true), entry("b", "x:s"), entry("c", "x")], NO_LIMIT)).toEqual(["b"]);
  });

  it("lets nobody pass who came later, so that nobody waits for ever", () => {
    expect(grantable([entry("a", "x:s", true), entry("b", "x"), entry("c", "x:s")], NO_LIMIT)).toEqual([]);
  });

  it("grants all locks of a request or none", () => {
    expect(
      grantable([entry("a", "x", true), entry("b", "x y"), entry("c", "y"), entry("d", "z")], NO_LIMIT),
    ).toEqual(["d"]);
  });

  it("tells the place in the queue and who is first", () => {
    const entries = [entry("a", "x", true), entry("b", "y"), entry("c", "x"), entry("d", "x")];
    expect(placeOf(entries, "d")).toEqual({ outcome: "queued", ahead: 2, holder: "a" });
  });

  it("does not count those with whom it shares", () => {
    const entries = [entry("a", "x:s", true), entry("b", "x"), entry("c", "x:s")];
    expect(placeOf(entries, "b")).toEqual({ outcome: "queued", ahead: 1, holder: "a" });
    expect(placeOf(entries, "c")).toEqual({ outcome: "queued", ahead: 1, holder: "b" });
  });
});

describe("how many may run at once", () => {
  it("as many as the limit says, the first ones first; who needs no place goes by", () => {
    const entries = [entry("a", "+", true), entry("b", "+"), entry("c", "+"), entry("d", "x")];
    expect(grantable(entries, 2)).toEqual(["b", "d"]);
    expect(grantable(entries, NO_LIMIT)).toEqual(["b", "c", "d"]);
  });

  it("a limit that was lowered takes nobody's place away", () => {
    const entries = [entry("a", "+", true), entry("b", "+", true), entry("c", "+")];
    expect(grantable(entries, 1)).toEqual([]);
  });

  it("who waits for a lock keeps no place free meanwhile, and has the next one once the lock is free", () => {
    const waiting = entry("b", "x +");
    expect(grantable([entry("a", "x +", true), waiting, entry("c", "+")], 2)).toEqual(["c"]);
    expect(grantable([waiting, entry("c", "+", true), entry("d", "+", true)], 2)).toEqual([]);
    expect(grantable([waiting, entry("d", "+", true), entry("e", "+")], 2)).toEqual(["b"]);
  });

  it("tells the place among those that wait to run, or the lock that is in the way before that", () => {
    const entries = [entry("a", "x +", true), entry("b", "+"), entry("c", "+"), entry("d", "x +")];
    expect(placeOf(entries, "c")).toEqual({
      outcome: "queued",
      ahead: 1,
      holder: "",
      reason: "organization_full",
    });
    expect(placeOf(entries, "d")).toEqual({ outcome: "queued", ahead: 1, holder: "a" });
  });
});
