import { describe, expect, it } from "vitest";
import { type Entry, grantable, placeOf } from "./queue.ts";

function entry(owner: string, wishes: string, granted = false): Entry {
  const locks = wishes.split(" ").map((wish) => {
    const [name = "", mode] = wish.split(":");
    return { name, mode: mode === "s" ? ("shared" as const) : ("exclusive" as const) };
  });
  return { owner, executionId: owner, step: "", title: owner, locks, since: 0, granted };
}

describe("who may have which locks", () => {
  it("gives an exclusive lock to one", () => {
    expect(grantable([entry("a", "x"), entry("b", "x")])).toEqual(["a"]);
    expect(grantable([entry("a", "x", true), entry("b", "x")])).toEqual([]);
  });

  it("gives a shared lock to many, and an exclusive one to nobody meanwhile", () => {
    expect(grantable([entry("a", "x:s", true), entry("b", "x:s"), entry("c", "x")])).toEqual(["b"]);
  });

  it("lets nobody pass who came later, so that nobody waits for ever", () => {
    expect(grantable([entry("a", "x:s", true), entry("b", "x"), entry("c", "x:s")])).toEqual([]);
  });

  it("grants all locks of a request or none", () => {
    expect(grantable([entry("a", "x", true), entry("b", "x y"), entry("c", "y"), entry("d", "z")])).toEqual([
      "d",
    ]);
  });

  it("tells the place in the queue and who is first", () => {
    const entries = [entry("a", "x", true), entry("b", "y"), entry("c", "x"), entry("d", "x")];
    expect(placeOf(entries, "d")).toEqual({ outcome: "queued", ahead: 2, holder: "a" });
  });
});
