import { expect, it } from "vitest";
import { applyRecord, emptyState, type JournalRecord, snapshotOf } from "./records.ts";

const begun = (plan: string, until: number, time: number): JournalRecord => ({
  type: "begun",
  ...{ plan, execution: `exe_${plan}`, step: "a", attempt: 1, until, time },
});

it("[S6] remembers what ran of a signed plan until it expires, and longer while a lease of it is held", () => {
  const state = emptyState();
  const lease = { id: "lse_1", executionId: "exe_used", fence: 1 };
  applyRecord(state, { type: "lease", lease });
  applyRecord(state, begun("used", 1_000, 0));
  applyRecord(state, begun("idle", 1_000, 0));
  applyRecord(state, begun("other", 9_000, 999));
  expect([...state.plans.keys()]).toEqual(["used", "idle", "other"]);
  applyRecord(state, begun("other", 9_000, 1_000));
  expect([...state.plans.keys()]).toEqual(["used", "other"]);
  const again = emptyState();
  for (const record of snapshotOf(state)) applyRecord(again, record);
  expect([...again.plans.keys()]).toEqual(["used", "other"]);
  applyRecord(again, { type: "ended", lease: "lse_1.1" });
  applyRecord(again, begun("other", 9_000, 1_001));
  expect([...again.plans.keys()]).toEqual(["other"]);
});
