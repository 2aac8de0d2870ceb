import { expect, test } from "vitest";
import { scheduleOf, victimOf } from "./schedule.ts";

const SITES = [10, 10, 10, 10, 10];

test("a seed is a schedule, and another seed another", () => {
  expect(scheduleOf(7, 10, SITES)).toEqual(scheduleOf(7, 10, SITES));
  expect(scheduleOf(7, 10, SITES)).not.toEqual(scheduleOf(8, 10, SITES));
});

test("a longer soak begins like a short one", () => {
  const short = scheduleOf(7, 1, SITES);
  expect(scheduleOf(7, 10, SITES).slice(0, short.length)).toEqual(short);
});

test("ten minutes hold every trouble, one at a time for each victim", () => {
  const strikes = scheduleOf(1, 10, SITES);
  expect(new Set(strikes.map(({ trouble }) => trouble)).size).toBe(15);
  const overAt = new Map<string, number>();
  for (const strike of strikes) {
    expect(strike.atMs).toBeGreaterThanOrEqual(overAt.get(victimOf(strike)) ?? 0);
    overAt.set(victimOf(strike), strike.atMs + strike.lengthMs);
  }
});
