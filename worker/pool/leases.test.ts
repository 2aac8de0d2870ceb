import { describe, expect, test } from "vitest";
import { type LeaseReport, reconcile, reported, unanswered } from "./leases.ts";
import type { LeaseRow, LeaseStatus } from "./store.ts";

const lease = (status: LeaseStatus, more: Partial<LeaseRow> = {}): LeaseRow => ({
  id: "lse_1",
  executionId: "exe_1",
  fence: 2,
  labels: {},
  wantedAgentId: undefined,
  agentId: "agt_1",
  status,
  changedAt: 0,
  ...more,
});
const told = (fence = 2, state: "active" | "reporting" = "active") => ({
  id: "lse_1",
  executionId: "exe_1",
  fence,
  state,
});

describe("when an agent comes back", () => {
  test.each<[string, LeaseStatus, ReturnType<typeof told>[], object[]]>([
    ["an offer it holds is accepted", "offered", [told()], [{ type: "accept" }]],
    ["what it holds goes on", "accepted", [told()], [{ type: "accept" }]],
    ["what was given back is revoked again", "released", [told()], [{ type: "revoke", reason: "finished" }]],
    ["an offer it never saw is granted anew", "offered", [], [{ type: "fail", retry: true }]],
    ["what it has no record of is lost", "accepted", [], [{ type: "lose" }]],
    ["what was given back, and it has forgotten, is free", "released", [], [{ type: "free" }]],
    ["what was taken away is revoked again", "revoked", [told()], [{ type: "revoke" }]],
    ["what was taken away, and it has forgotten, is lost", "revoked", [], [{ type: "lose", mayRun: true }]],
    [
      "an older fence is another lease (LS1)",
      "accepted",
      [told(1)],
      [{ type: "lose" }, { type: "revoke", lease: { fence: 1 } }],
    ],
    ["a result that it still reports is let be", "released", [told(1, "reporting")], [{ type: "free" }]],
  ])("%s", (_, status, held, actions) => {
    expect(reconcile([lease(status)], held)).toMatchObject(actions);
  });

  test("what nobody here knows is revoked", () => {
    expect(reconcile([], [told()])).toMatchObject([{ type: "revoke", lease: { id: "lse_1", fence: 2 } }]);
  });
});

describe("a report", () => {
  const about = { leaseId: "lse_1", fence: 2 };
  const declined = (reason: "draining" | "plan_rejected", detail = ""): LeaseReport => ({
    type: "lease.declined",
    ...about,
    reason,
    detail,
  });

  test.each<[string, LeaseReport, object]>([
    ["accepts", { type: "lease.accepted", ...about }, { type: "accept" }],
    ["declines for now", declined("draining"), { type: "fail", reason: "draining", retry: true }],
    ["declines for good", declined("plan_rejected", "no"), { type: "fail", reason: "no", retry: false }],
    ["ends", { type: "lease.ended", ...about }, { type: "lose" }],
  ])("%s", (_, message, action) => {
    expect(reported(lease("offered"), "agt_1", message)).toMatchObject(action);
  });

  test.each<[LeaseStatus, object]>([
    ["accepted", { type: "lose", mayRun: false }],
    ["revoked", { type: "lose", mayRun: false }],
    ["released", { type: "free" }],
  ])("[LS1] that a lease has ended which was %s reaches whoever still counts on it", (status, action) => {
    expect(reported(lease(status), "agt_1", { type: "lease.ended", ...about })).toMatchObject(action);
  });

  test("[S5] of another agent, under another fence, or about nothing changes nothing", () => {
    const ended: LeaseReport = { type: "lease.ended", ...about };
    expect(reported(lease("accepted"), "agt_2", ended)).toBeUndefined();
    expect(reported(lease("accepted"), "agt_1", { ...ended, fence: 1 })).toBeUndefined();
    expect(reported(undefined, "agt_1", ended)).toBeUndefined();
  });

  test.each([
    ["another agent", "agt_2", about.fence],
    ["under another fence", "agt_1", 1],
  ])("[LS2] that accepts what it does not hold is answered that it is over: %s", (_, agentId, fence) => {
    const accepted: LeaseReport = { type: "lease.accepted", leaseId: "lse_1", fence };
    const over = { type: "revoke", lease: { id: "lse_1", fence } };
    expect(reported(lease("accepted"), agentId, accepted)).toMatchObject(over);
    expect(reported(undefined, agentId, accepted)).toMatchObject(over);
  });

  test("that comes twice changes nothing the second time", () => {
    expect(reported(lease("accepted"), "agt_1", { type: "lease.accepted", ...about })).toBeUndefined();
  });
});

test.each<[LeaseStatus, boolean, object | undefined]>([
  ["offered", true, { type: "offer" }],
  ["offered", false, undefined],
  ["released", true, { type: "revoke" }],
  ["released", false, { type: "free" }],
  ["revoked", true, { type: "revoke" }],
  ["revoked", false, { type: "lose", mayRun: true }],
])("[CM1] a lease %s without an answer, its agent connected: %s", (status, isConnected, action) => {
  const decided = unanswered(lease(status), isConnected);
  if (action) expect(decided).toMatchObject(action);
  else expect(decided).toBeUndefined();
});
