import { arch, hostname, platform } from "node:os";
import { expect, it } from "vitest";
import { labelsSchema } from "#protocol/blocks/common.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { hostInventory, lookAtHost, withFacts } from "./inventory.ts";

it("tells what this host is and which programs it has, in labels", () => {
  const { labels, interpreters } = lookAtHost();
  expect(labelsSchema.parse(labels)).toEqual(labels);
  expect(labels).toMatchObject({
    "host.os": platform(),
    "host.arch": arch(),
    "host.name": hostname(),
    "host.interpreter.sh": "yes",
  });
  expect(interpreters).toContain("sh");
  expect(Object.keys(labels).every((key) => key.startsWith("host."))).toBe(true);
  expect(Object.keys(labels)).not.toContain("host.tool.no-such-tool");
});

it("looks again after five minutes, and not before", async () => {
  const clock = new ManualClock();
  let looks = 0;
  const facts = hostInventory(clock, () => ({ interpreters: [], labels: { "host.looks": String(++looks) } }));
  expect(facts().labels).toEqual({ "host.looks": "1" });
  await clock.advance(5 * 60_000);
  expect(facts().labels).toEqual({ "host.looks": "1" });
  await clock.advance(1);
  expect(facts().labels).toEqual({ "host.looks": "2" });
});

it("leaves facts out where they have no room, and never a label that somebody gave", () => {
  const given = { region: "eu", note: "x".repeat(250) };
  const facts = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`host.${index}`, "y".repeat(200)]),
  );
  const all = withFacts(given, facts);
  expect(all).toMatchObject({ ...given, "host.0": "y".repeat(200) });
  expect(JSON.stringify(all).length).toBeLessThan(6 * 1024);
  expect(withFacts(given, { "host.os": "linux" })).toEqual({ ...given, "host.os": "linux" });
});
