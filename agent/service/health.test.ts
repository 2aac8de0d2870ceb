import { expect, it } from "vitest";
import { HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";
import type { Contact } from "../connection/reconcile.ts";
import { healthOf } from "./health.ts";

const HOUR = 3_600_000;

it.each<[string, Contact | undefined, number, boolean]>([
  ["heard a moment ago", { phase: "open", openedAt: 0, heardAt: 1_000, settled: true }, 2_000, true],
  [
    "silent, and still held",
    { phase: "open", openedAt: 0, heardAt: 0, settled: true },
    HEARTBEAT_TIMEOUT_MS + 60_000,
    false,
  ],
  ["open and not welcomed yet", { phase: "open", openedAt: 0, heardAt: 1_000, settled: false }, 2_000, true],
  ["dialing", { phase: "dialing", since: 0 }, 20_000, true],
  ["dialing without an end", { phase: "dialing", since: 0 }, HOUR, false],
  ["waiting an hour, as it was asked to", { phase: "down", dialAt: 2 * HOUR }, HOUR, true],
  ["past the time to dial again", { phase: "down", dialAt: 0 }, HOUR, false],
  ["not wanted any more", undefined, HOUR, true],
])("[S16] an agent whose connection is %s", (_, contact, now, sound) => {
  expect(healthOf(contact, now).sound).toBe(sound);
});
