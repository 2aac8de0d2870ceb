import { expect, it } from "vitest";
import { policySchema } from "../policy/schema.ts";
import { decideUpdate, decisionWords, rulesWords, type UpdateFacts } from "./decide.ts";

const MINUTE = 60_000;
const NOON = new Date(2026, 2, 4, 12, 0).getTime();
const rules = (update: Record<string, unknown>) => policySchema.parse({ update }).update;
const facts = (update: Record<string, unknown>, more: Partial<UpdateFacts> = {}): UpdateFacts => ({
  rules: rules({ spread: "0s", ...update }),
  ...{ current: "1.0.0", wanted: "1.1.0", heardAt: NOON, installs: true, failed: [], share: 0, now: NOON },
  ...more,
});

it.each<[string, UpdateFacts, unknown]>([
  ["auto", facts({ mode: "auto" }), { type: "do", until: Number.POSITIVE_INFINITY }],
  ["the default", facts({}), { type: "notify", why: "notify" }],
  ["off", facts({ mode: "off" }), { type: "nothing", why: "off" }],
  ["nothing wanted", facts({ mode: "auto" }, { wanted: undefined }), { type: "nothing", why: "not_told" }],
  ["the same wanted", facts({ mode: "auto" }, { wanted: "1.0.0" }), { type: "nothing", why: "current" }],
  ["an older one wanted", facts({ mode: "auto" }, { wanted: "0.9.9" }), { type: "nothing", why: "older" }],
  [
    "a release ahead of this one wanted",
    facts({ mode: "auto" }, { wanted: "1.0.0-rc.1" }),
    { type: "nothing", why: "older" },
  ],
  [
    "something that is no version",
    facts({ mode: "auto" }, { wanted: "../x" }),
    { type: "nothing", why: "older" },
  ],
  ["from source", facts({ mode: "auto" }, { current: "source" }), { type: "nothing", why: "source" }],
  ["pinned to what it is", facts({ mode: "auto", pin: "1.0.0" }), { type: "notify", why: "pinned" }],
  [
    "pinned to what is wanted",
    facts({ mode: "auto", pin: "1.1.0" }),
    { type: "do", until: Number.POSITIVE_INFINITY },
  ],
  [
    "pinned, an older one wanted",
    facts({ mode: "auto", pin: "0.9.0" }, { wanted: "0.9.0" }),
    { type: "nothing", why: "older" },
  ],
  ["a failed one wanted", facts({ mode: "auto" }, { failed: ["1.1.0"] }), { type: "notify", why: "failed" }],
  [
    "a newer one than the failed",
    facts({ mode: "auto" }, { failed: ["1.1.0"], wanted: "1.2.0" }),
    { type: "do", until: Number.POSITIVE_INFINITY },
  ],
  ["in a container", facts({ mode: "auto" }, { installs: false }), { type: "notify", why: "not_installed" }],
  [
    "before its window",
    facts({ mode: "auto", window: "13:00-14:00" }),
    { type: "wait", why: "window", until: NOON + 60 * MINUTE },
  ],
  [
    "in its window",
    facts({ mode: "auto", window: "11:00-14:00" }),
    { type: "do", until: NOON + 120 * MINUTE },
  ],
  [
    "in its window, with a share",
    facts({ mode: "auto", window: "12:00-14:00", spread: "30m" }, { share: 0.5 }),
    { type: "wait", why: "spread", until: NOON + 15 * MINUTE },
  ],
  [
    "in a short window, with a share",
    facts({ mode: "auto", window: "12:00-12:10", spread: "30m" }, { share: 0.5 }),
    { type: "wait", why: "spread", until: NOON + 2.5 * MINUTE },
  ],
  [
    "told late in its window",
    facts({ mode: "auto", window: "10:00-14:00", spread: "30m" }, { share: 0.5 }),
    { type: "wait", why: "spread", until: NOON + 15 * MINUTE },
  ],
  [
    "its share waited for",
    facts({ mode: "auto", spread: "30m" }, { share: 0.5, heardAt: NOON - 15 * MINUTE }),
    { type: "do", until: Number.POSITIVE_INFINITY },
  ],
])("[S17] with %s", (_, given, expected) => {
  const decision = decideUpdate(given);
  expect(decision).toEqual(expected);
  expect(decisionWords(decision, given.wanted, given.rules.pin)).toMatch(/\w+ \w+/);
});

it("says in words what it is about", () => {
  expect(decisionWords({ type: "notify", why: "pinned" }, "1.1.0", "1.0.0")).toBe(
    "1.1.0 is available, and the policy of this host pins 1.0.0",
  );
});

it.each<[Record<string, unknown>, string, boolean, string]>([
  [{ mode: "auto" }, "1.0.0", true, "auto"],
  [
    { mode: "auto", window: "02:00-04:00", pin: "1.1.0" },
    "1.0.0",
    true,
    "auto, 02:00-04:00, pinned to 1.1.0",
  ],
  [
    { mode: "auto", window: "02:00-04:00" },
    "1.0.0",
    false,
    "notify: the policy says auto, but this agent was not installed by its installer: replace the container, the package or the file",
  ],
  [{ mode: "notify" }, "1.0.0", false, "notify"],
  [{ mode: "off" }, "source", false, "off"],
  [
    { mode: "auto" },
    "source",
    false,
    "off: the policy says auto, but this agent runs from source, which is no release",
  ],
])("says which rules are in force: %j of %s, installs %s", (update, current, installs, words) => {
  expect(rulesWords(rules(update), current, installs)).toBe(words);
});
