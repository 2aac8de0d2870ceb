import { expect, it } from "vitest";
import { alone, beside, spreadOf } from "./results.ts";

it("takes the middle, and the value that 99 of 100 are no worse than", () => {
  const samples = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(spreadOf(samples, "ms")).toEqual({ samples: 200, median: 100.5, p99: 198 });
  expect(spreadOf([3], "ms")).toEqual({ samples: 1, median: 3, p99: 3 });
  expect(() => spreadOf([], "ms")).toThrow("no samples");
});

it("looks for the worst at the low end where more is better", () => {
  expect(spreadOf([10, 30, 20], "per s")).toEqual({ samples: 3, median: 20, p99: 10 });
});

it("holds the median ratio to the aim beside a contestant, and our worst value without one", () => {
  expect(beside("a", "ms", [10], ["ssh", [100]], { atMost: 0.1 }).aim).toMatchObject({ met: true });
  expect(beside("a", "ms", [11], ["ssh", [100]], { atMost: 0.1 }).aim).toMatchObject({ met: false });
  expect(beside("a", "per s", [30], ["ssh", [100]], { atLeast: 0.3 })).toMatchObject({
    ratio: { median: 0.3 },
    aim: { met: true },
  });
  expect(alone("a", "calls", [2, 2, 3], { atMost: 2 }).aim).toMatchObject({ met: false });
});

it("neither meets nor misses an aim where the contestant is not installed", () => {
  const row = beside("a", "ms", [10], ["ssh", undefined], { atMost: 1 });
  expect(row).toMatchObject({ against: { contestant: "ssh" }, aim: { bound: { atMost: 1 } } });
  expect(row.aim?.met).toBeUndefined();
  expect(row.ratio).toBeUndefined();
});
