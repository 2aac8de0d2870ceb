import { expect, it } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { silentLog } from "../testing/silent-log.ts";
import type { Health } from "./health.ts";
import { ServiceManager, systemdChannel } from "./manager.ts";

function scene(patienceMs: number | undefined = 180_000) {
  const clock = new ManualClock();
  const told: string[] = [];
  const state: { health: Health; fails: boolean } = {
    health: { sound: true, words: "connecting" },
    fails: false,
  };
  const manager = new ServiceManager({
    ...{ clock, patienceMs },
    log: silentLog,
    health: () => state.health,
    tell: async (words) => {
      if (state.fails) throw new Error("no such helper");
      told.push(...words);
    },
  });
  return { clock, told, state, manager };
}

it("[S16] says that it has started, then how it is, then that it lives", async () => {
  const { clock, told, state, manager } = scene();
  manager.ready();
  await clock.advance(0);
  expect(told).toEqual(["READY=1", "STATUS=connecting", "WATCHDOG=1"]);
  state.health = { sound: true, words: "connected" };
  manager.changed();
  manager.changed();
  await clock.advance(0);
  expect(told.slice(3)).toEqual(["STATUS=connected"]);
  await clock.advance(120_000);
  expect(told.slice(4)).toEqual(["WATCHDOG=1", "WATCHDOG=1"]);
});

it("[S16] feeds no watchdog while it is stuck, and does again when it is not", async () => {
  const { clock, told, state, manager } = scene();
  manager.ready();
  await clock.advance(0);
  told.length = 0;
  state.health = { sound: false, words: "connected" };
  await clock.advance(170_000);
  expect(told).toEqual([]);
  state.health = { sound: true, words: "connected" };
  await clock.advance(60_000);
  expect(told).toEqual(["WATCHDOG=1"]);
});

it("says nothing after it has said that it stops", async () => {
  const { clock, told, manager } = scene();
  manager.ready();
  manager.stopping();
  manager.changed();
  await clock.advance(600_000);
  expect(told.filter((word) => word === "WATCHDOG=1")).toHaveLength(1);
  expect(told.at(-1)).toBe("STOPPING=1");
});

it("keeps working when nobody hears it, and without a watchdog leaves no timer", async () => {
  const { clock, told, state, manager } = scene(0);
  state.fails = true;
  manager.ready();
  await clock.advance(0);
  state.fails = false;
  manager.stopping();
  await clock.advance(0);
  expect(told).toEqual(["STOPPING=1"]);
});

it("is silent where no service manager asked", () => {
  expect(systemdChannel({})).toBeUndefined();
  expect(systemdChannel({ NOTIFY_SOCKET: "/run/x" })?.patienceMs).toBeUndefined();
  expect(systemdChannel({ NOTIFY_SOCKET: "/run/x", WATCHDOG_USEC: "180000000" })?.patienceMs).toBe(180_000);
});
