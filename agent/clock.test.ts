import { expect, it } from "vitest";
import { steadyTime } from "./clock.ts";
import { ManualClock } from "./testing/manual-clock.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

it("[G12] steady time goes on when the clock jumps ahead, and back with it when it is put back", async () => {
  const clock = new ManualClock();
  const now = steadyTime(clock);
  const start = clock.now();
  expect(now()).toBe(start);
  clock.wallOffset += 400 * DAY_MS;
  await clock.advance(1_000);
  expect(now()).toBe(start + 1_000);
  clock.wallOffset -= 401 * DAY_MS;
  expect(now()).toBe(start + 1_000 - DAY_MS);
});
