/** Commands that come again, late or out of order: answered, never carried out twice. */
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { command, connectedSite, linesOf, oracle, prepareAgent } from "./harness.ts";

prepareAgent();

it("[CM1] [CM2] [G1] runs a step once however often offer and start are repeated", async () => {
  const { plane, path } = await connectedSite();
  const { coordinator, repeat } = await plane.offer({
    blocks: [command("once", `${oracle(path("oracle"))}; sleep 0.3`)],
  });
  for (let i = 0; i < 5; i++) repeat();
  await plane.changes.until("a data socket", () => coordinator.of("hello").length > 0);
  for (let i = 0; i < 5; i++) coordinator.start("once");
  await coordinator.finished("once");
  for (let i = 0; i < 5; i++) coordinator.start("once");
  repeat();
  await plane.changes.until("all acknowledgements", () => coordinator.of("ack").length === 10);
  await plane.changes.until("an acknowledgement of each offer", () => plane.control.of("ack").length === 7);
  await plane.changes.until("an answer to the last", () => plane.control.of("lease.accepted").length >= 2);
  expect(linesOf(path("oracle"))).toHaveLength(1);
  expect(new Set(coordinator.of("step.started").map(({ pid }) => pid)).size).toBe(1);
});

it("[CM2] answers a start that comes again from what it knows: started, then finished", async () => {
  const { plane } = await connectedSite();
  const { coordinator } = await plane.offer({
    blocks: [command("long", "echo up; sleep 60")],
    configure: (each) => {
      each.records = false;
    },
  });
  await coordinator.printed("long", "up");
  const before = coordinator.of("step.started").length;
  coordinator.start("long");
  await plane.changes.until("step.started again", () => coordinator.of("step.started").length > before);
  coordinator.cancel("long", 500);
  const first = await coordinator.finished("long");
  const told = coordinator.of("step.finished").length;
  coordinator.start("long");
  await plane.changes.until("step.finished again", () => coordinator.of("step.finished").length > told);
  expect(coordinator.of("step.finished").at(-1)).toEqual(first);
});

it("[CM2] treats an offer of a lease that is over as an echo, also after a restart", async () => {
  const { plane, path, agent, start } = await connectedSite();
  const { coordinator, repeat } = await plane.offer({ blocks: [command("once", oracle(path("oracle")))] });
  await coordinator.finished("once");
  coordinator.release();
  const ended = () => plane.control.of("lease.ended").length;
  await plane.changes.until("lease.ended", () => ended() === 1);
  repeat();
  await plane.changes.until("lease.ended again", () => ended() === 2);
  await agent.kill();
  await plane.changes.until("the old socket's end", () => plane.control.closed !== undefined);
  start();
  await plane.connected();
  repeat();
  await plane.changes.until("lease.ended after the restart", () => ended() === 1);
  expect(plane.control.of("hello")[0]?.leases).toEqual([]);
  expect(linesOf(path("oracle"))).toHaveLength(1);
});

it("[CM1] [CM2] acknowledges each release and revocation, of leases it no longer or never knew too", async () => {
  const { plane } = await connectedSite();
  const { coordinator } = await plane.run({ blocks: [command("short", "true")] });
  coordinator.release();
  coordinator.release();
  // A repeat that meets the closing socket is answered by its end.
  await plane.changes.until("an acknowledgement", () => coordinator.of("ack").length > 0);
  await plane.changes.until("the end of its socket", () => coordinator.closes[0] === 1000);
  await plane.changes.until("lease.ended", () => plane.control.of("lease.ended").length === 1);
  const leases = [coordinator.lease.id, coordinator.lease.id, "lse_never_known"];
  leases.forEach((leaseId, index) => {
    plane.control.send({
      type: "lease.revoke",
      id: `revoke:${index}`,
      leaseId,
      fence: 1,
      reason: "finished",
    });
  });
  await plane.changes.until("an answer to each", () => plane.control.of("lease.ended").length === 4);
  expect(plane.control.of("ack").map(({ id }) => id)).toEqual([
    `offer:${coordinator.lease.id}`,
    ...["revoke:0", "revoke:1", "revoke:2"],
  ]);
  expect(
    plane.control
      .of("lease.ended")
      .slice(1)
      .map(({ leaseId }) => leaseId),
  ).toEqual(leases);
});

it("[CM2] keeps to a refusal when the offer comes again: the lease may be elsewhere by then", async () => {
  const { plane, path } = await connectedSite({ slots: 1 });
  const first = await plane.offer({ blocks: [command("busy", "echo up; sleep 60")] });
  await first.coordinator.printed("busy", "up");
  const second = await plane.offer({ blocks: [command("other", oracle(path("oracle")))] });
  await plane.changes.until("a refusal", () => plane.control.of("lease.declined").length === 1);
  first.coordinator.cancel("busy", 500);
  await first.coordinator.finished("busy");
  first.coordinator.release();
  await plane.changes.until("a free slot", () => plane.control.of("lease.ended").length === 1);
  second.repeat();
  await plane.changes.until("the same refusal", () => plane.control.of("lease.declined").length === 2);
  expect(linesOf(path("oracle"))).toEqual([]);
});

it("[CX1] [CM2] takes no lease whose revocation came before its offer, or while it looks at that", async () => {
  const { plane, path } = await connectedSite();
  const revoke = ({ id: leaseId, fence }: { id: string; fence: number }) =>
    plane.control.send({ type: "lease.revoke", id: `revoke:${leaseId}`, leaseId, fence, reason: "test" });
  const ended = () => plane.control.of("lease.ended").length;
  const { coordinator, repeat } = await plane.offer({ blocks: [command("late", oracle(path("oracle")))] });
  revoke(coordinator.lease);
  await plane.changes.until("lease.ended", () => ended() >= 1);
  const before = ended();
  repeat();
  await plane.changes.until("lease.ended again", () => ended() > before);
  const { finished } = await plane.run({ blocks: [command("next", "true")] });
  expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
  expect(linesOf(path("oracle"))).toEqual([]);
});

it("[LS1] tells every lease it holds in each hello", async () => {
  const { plane } = await connectedSite();
  const { coordinator } = await plane.offer({ blocks: [command("long", "echo up; sleep 60")] });
  await coordinator.printed("long", "up");
  plane.control.socket.terminate();
  await plane.changes.until("another hello", () => plane.controls[1]?.of("hello")[0]);
  expect(plane.control.of("hello")[0]?.leases).toEqual([{ ...coordinator.lease, state: "active" }]);
});

it("[LS2] starts nothing under a fence that is not its own, or that is no longer current", async () => {
  const { plane, path } = await connectedSite();
  const blocks = [command("one", "true"), command("two", oracle(path("oracle")))];
  const { coordinator } = await plane.run({ blocks });
  coordinator.send({ type: "step.start", id: "x", step: "two", attempt: 1, fence: 9 });
  expect((await coordinator.finished("two")).outcome).toMatchObject({ type: "refused", code: "stale_fence" });
  coordinator.current = false;
  coordinator.socket.terminate();
  await plane.changes.until("another hello", () => coordinator.of("hello").length === 2);
  coordinator.start("two", 2);
  expect((await coordinator.finished("two", 2)).outcome).toMatchObject({
    type: "refused",
    code: "stale_fence",
  });
  expect(linesOf(path("oracle"))).toEqual([]);
});

it("[CX1] never starts a step whose cancel came first", async () => {
  const { plane, path } = await connectedSite();
  const { coordinator } = await plane.run({
    blocks: [command("one", "true"), command("two", oracle(path("oracle")))],
  });
  coordinator.cancel("two");
  coordinator.start("two");
  expect((await coordinator.finished("two")).outcome).toEqual({
    type: "stopped",
    reason: "canceled",
    confirmed: true,
  });
  await plane.changes.until("both acknowledgements", () => coordinator.of("ack").length === 2);
  expect(linesOf(path("oracle"))).toEqual([]);
});

it("ends what runs when its lease is revoked, and frees the slot", async () => {
  const { plane } = await connectedSite({ slots: 1 });
  const { coordinator } = await plane.offer({ blocks: [command("long", "trap '' INT; echo up; sleep 60")] });
  await coordinator.printed("long", "up");
  const { id: leaseId, fence } = coordinator.lease;
  const revoke = () => plane.control.send({ type: "lease.revoke", id: "r", leaseId, fence, reason: "test" });
  revoke();
  revoke();
  await plane.changes.until("lease.ended", () => plane.control.of("lease.ended").length > 0);
  await plane.changes.until("the data socket's end", () => coordinator.closes.length === 1);
  const { finished } = await plane.run({ blocks: [command("next", "true")] });
  expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
});

it("does not reopen a data socket that was closed with 4410, and ends what ran", async () => {
  const { plane } = await connectedSite();
  const { coordinator } = await plane.offer({ blocks: [command("long", "echo up; sleep 60")] });
  await coordinator.printed("long", "up");
  coordinator.socket.close(4410, "over");
  await plane.changes.until("lease.ended", () => plane.control.of("lease.ended").length > 0);
  // Longer than the longest pause before a first reconnect.
  await pause(1_100);
  expect(coordinator.sockets).toHaveLength(1);
});
