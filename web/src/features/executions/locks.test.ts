import { expect, it } from "vitest";
import type { NamedLock } from "#protocol/api/locks.ts";
import { locksInTheWay } from "./locks.ts";

const entry = (executionId: string, step = ""): NamedLock["holders"][number] => ({
  executionId,
  step,
  title: executionId,
  mode: "exclusive",
  since: "2026-05-01T12:00:00Z",
});

it("finds the locks that are waited for, who has them and how many come before", () => {
  const locks: NamedLock[] = [
    {
      name: "deploys",
      fence: 1,
      holders: [entry("a")],
      waiting: [entry("b"), entry("c"), entry("c", "move")],
    },
    { name: "other", fence: 1, holders: [entry("c")], waiting: [] },
  ];
  const holders = [entry("a")];
  expect(locksInTheWay(locks, "c", "")).toEqual([{ name: "deploys", holders, ahead: 1 }]);
  expect(locksInTheWay(locks, "c", "move")).toEqual([{ name: "deploys", holders, ahead: 2 }]);
  expect(locksInTheWay(locks, "a", "")).toEqual([]);
});
