import { expect, it } from "vitest";
import { HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";
import { Echoes } from "./echoes.ts";

function echoes() {
  const arrived: string[] = [];
  const made = new Echoes();
  return { made, arrived, ask: (now: number, name: string) => made.pinged(now, () => arrived.push(name)) };
}

it("takes an answer for that of the oldest ping", () => {
  const { made, arrived, ask } = echoes();
  made.pinged(0);
  ask(1, "a");
  ask(2, "b");
  made.answered();
  expect(arrived).toEqual([]);
  made.answered();
  expect(arrived).toEqual(["a"]);
  made.answered();
  made.answered();
  expect(arrived).toEqual(["a", "b"]);
});

it("gets over a ping that was lost", () => {
  const { made, arrived, ask } = echoes();
  made.pinged(0);
  ask(HEARTBEAT_TIMEOUT_MS, "a");
  made.answered();
  expect(arrived).toEqual(["a"]);
});

it("makes nothing of an answer that nobody asked for", () => {
  const { made, arrived, ask } = echoes();
  made.answered();
  ask(0, "a");
  expect(arrived).toEqual([]);
});
