import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { LeaseOffer } from "#protocol/control.ts";
import { COMMAND_RESEND_MS, HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";
import { ExecutionCoordinator } from "../../worker/execution/ExecutionCoordinator.ts";
import { eventually } from "./eventually.ts";
import { logged, read, trigger } from "./poolScene.ts";
import {
  Attempt,
  acceptOffer,
  command,
  connectAgent,
  controlHello,
  coordinatorOf,
  newExecution,
  newPlace,
  openData,
  poolOf,
} from "./scriptedAgent.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("after a loss of contact", () => {
  it("looks every five seconds after an offer to an agent that is away, not all the time", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    await trigger(place);
    await control.next("lease.offer");
    control.socket.close(1000, "cut");
    await expect.poll(() => poolOf(place).presence()).toEqual({});
    const alarm = () => runInDurableObject(poolOf(place), (_, state) => state.storage.getAlarm());
    const until = Date.now() + 60_000;
    vi.useFakeTimers({ toFake: ["Date"] });
    let alarms = 0;
    for (let at = await alarm(); at !== null && at < until && alarms < 100; at = await alarm()) {
      vi.setSystemTime(at);
      await runDurableObjectAlarm(poolOf(place));
      alarms++;
    }
    expect(alarms).toBeGreaterThan(5);
    expect(alarms).toBeLessThanOrEqual(60_000 / COMMAND_RESEND_MS + 1);
  });

  it("[CM1] repeats an offer that nobody answered, and [G11] survives eviction meanwhile", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    await trigger(place);
    const first = await control.next("lease.offer");
    await evictDurableObject(poolOf(place));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + COMMAND_RESEND_MS });
    await runDurableObjectAlarm(poolOf(place));
    await control.next("lease.offer", 2);
    expect(control.messages("lease.offer")[1]).toEqual(first);
  });

  it("takes an offer back that certainly never arrived, and grants it anew", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    await control.next("lease.offer");
    control.socket.close(1000, "cut");
    const again = await connectAgent(place);
    expect(await again.next("lease.offer")).toMatchObject({ lease: { fence: 2 } });
    await logged(stub, "lease.failed");
  });

  it("keeps a lease that the agent still holds", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    const offer = await acceptOffer(control);
    control.socket.close(1000, "cut");
    const again = await connectAgent(place, { leases: [{ ...offer.lease, state: "active" }] });
    const data = await openData(place, offer.lease.executionId);
    const attempt = new Attempt("a", 1);
    data.send(attempt.hello(offer.lease));
    data.send(attempt.started());
    data.send(attempt.finished());
    await data.next("step.recorded");
    expect((await read(stub)).state).toBe("succeeded");
    expect(again.messages("lease.revoke")).toEqual([]);
  });

  it("[ST2] ends a step as unknown when its agent comes back without the lease it had accepted", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    await acceptOffer(control);
    await poolOf(place).presence();
    control.socket.close(1000, "cut");
    await connectAgent(place);
    await logged(stub, "execution.finished");
    expect(await read(stub)).toMatchObject({ state: "failed", steps: [{ state: "unknown" }] });
  });

  it("[G13] a hello that comes twice changes nothing the second time", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    const { lease } = await acceptOffer(control);
    control.send(controlHello({ slots: 7 }));
    control.send("ping");
    await control.until(() => control.pongs > 0);
    expect(await poolOf(place).presence()).toMatchObject({ [place.agentId]: { slots: 1, busySlots: 1 } });
    const data = await openData(place, lease.executionId);
    const attempt = new Attempt("a", 1);
    data.send(attempt.hello(lease));
    data.send(attempt.started());
    await data.next("welcome");
    // An older one, from before it had begun.
    data.send({ ...attempt.hello(lease), attempts: [] });
    data.send(attempt.finished());
    await data.next("step.recorded");
    expect(await read(stub)).toMatchObject({ state: "succeeded", steps: [{ state: "succeeded" }] });
    expect([control.messages("welcome").length, data.messages("welcome").length]).toEqual([1, 1]);
  });

  it("[CX1] [LS1] keeps an offer whose step was canceled until its agent has answered, and then tells", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const execution = await newExecution(place, [command("a")], [command("after")]);
    const stub = coordinatorOf(place, execution.executionId);
    await stub.create(execution);
    const { lease } = (await control.next("lease.offer")) as unknown as LeaseOffer;
    await logged(stub, "lease.granted");
    await stub.ask({ type: "cancel", actor: { type: "system", name: "test" }, reason: "", force: false });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + COMMAND_RESEND_MS });
    const asked = vi.spyOn(ExecutionCoordinator.prototype, "wantsLease");
    await runDurableObjectAlarm(poolOf(place));
    await eventually(() => expect(asked).toHaveBeenCalled());
    await runDurableObjectAlarm(stub);
    expect(await control.next("lease.revoke")).toMatchObject({ leaseId: lease.id });
    expect(control.messages("lease.offer")).toHaveLength(1);
    control.send({ type: "lease.ended", leaseId: lease.id, fence: 1 });
    expect(await control.next("lease.offer", 2)).toMatchObject({ firstStep: { step: "after", fence: 2 } });
  });

  it("[LS1] tells its coordinator when a lease ended that was still counted on", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    const { lease } = await acceptOffer(control);
    await logged(stub, "lease.granted");
    control.send({ type: "lease.ended", leaseId: lease.id, fence: 1 });
    await logged(stub, "execution.finished");
    expect(await read(stub)).toMatchObject({ steps: [{ state: "unknown" }] });
  });

  it("revokes a lease that nobody here knows", async () => {
    const control = await connectAgent(newPlace(), {
      leases: [{ id: "lse_old", executionId: "exe_old", fence: 3, state: "active" }],
    });
    expect(await control.next("lease.revoke")).toMatchObject({ leaseId: "lse_old", fence: 3 });
  });

  it("[HS3] [G14] gives up an agent that sent no heartbeat for 45 s", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HEARTBEAT_TIMEOUT_MS });
    await runDurableObjectAlarm(poolOf(place));
    expect(await control.end()).toMatchObject({ code: 4408 });
    expect(await poolOf(place).presence()).toEqual({});
  });

  it("[HS3] answers ping without waking", async () => {
    const control = await connectAgent(newPlace());
    control.send("ping");
    await control.until(() => control.pongs === 1);
  });

  it("lets a newer socket of the same agent replace the older", async () => {
    const place = newPlace();
    const old = await connectAgent(place);
    await connectAgent(place);
    expect(await old.end()).toMatchObject({ code: 4409 });
    expect(Object.keys(await poolOf(place).presence())).toEqual([place.agentId]);
  });
});
