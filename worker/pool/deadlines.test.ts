import { expect, test } from "vitest";
import { COMMAND_RESEND_MS, HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";
import { AVOID_MS, avoidMs, nextLook, type PoolWaits, TELL_AGAIN_MS } from "./deadlines.ts";

const NOW = 1_000_000;
const nothing: PoolWaits = {
  silentAt: undefined,
  unansweredSince: undefined,
  isQueueing: false,
  isHopeless: false,
  deliveryAt: undefined,
  untoldSince: undefined,
};

test.each<[string, Partial<PoolWaits>, number | undefined]>([
  ["for nothing", {}, undefined],
  ["for the agent that was silent longest", { silentAt: NOW + 5 }, NOW + 5],
  ["for an answer", { unansweredSince: NOW - 10 }, NOW - 10 + COMMAND_RESEND_MS],
  ["no longer, but never for the past", { unansweredSince: 0 }, NOW + 1],
  ["for a secret to be told again", { deliveryAt: NOW + 7 }, NOW + 7],
  ["for a quarantine to be told again", { untoldSince: NOW }, NOW + TELL_AGAIN_MS],
  ["not for a queue that no agent could serve", { isQueueing: true }, undefined],
  ["to tell again of what nobody will ever serve", { isHopeless: true }, NOW + AVOID_MS],
  [
    "for an agent to be asked again",
    { isQueueing: true, silentAt: NOW + HEARTBEAT_TIMEOUT_MS },
    NOW + AVOID_MS,
  ],
])("a pool waits %s", (_, waits, at) => {
  expect(nextLook({ ...nothing, ...waits }, NOW)).toBe(at);
});

test("an agent is passed over for longer the more often it declines, up to a minute", () => {
  expect([1, 2, 3, 4, 5, 6, 20].map(avoidMs)).toEqual([5, 10, 20, 40, 60, 60, 60].map((s) => s * 1_000));
});
