import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import type { LeaseOffer } from "#protocol/control.ts";
import { CANCEL_GRACE_MS, COMMAND_RESEND_MS } from "#protocol/limits.ts";
import { IDLE_SOCKET_MS } from "../../worker/execution/agentLink.ts";
import { ExecutionCoordinator } from "../../worker/execution/ExecutionCoordinator.ts";
import { CONFIRM_MARGIN_MS } from "../../worker/execution/engine/deadlines.ts";
import { DECLINE, failOnce, logged, read, running, trigger } from "./poolScene.ts";
import {
  Attempt,
  acceptOffer,
  command,
  connectAgent,
  newPlace,
  openControl,
  openData,
  poolOf,
} from "./scriptedAgent.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("[S4] revoking", () => {
  it("goes on although the coordinator of one of its leases does not answer", async () => {
    const place = newPlace();
    const control = await connectAgent(place, { slots: 2 });
    const [one, two] = [await trigger(place), await trigger(place)];
    await acceptOffer(control, 1);
    await acceptOffer(control, 2);
    await logged(one.stub, "lease.granted");
    await logged(two.stub, "lease.granted");
    failOnce("leaseLost");
    await poolOf(place).disconnectAgent(place.agentId, "revoked by Ada");
    expect(await control.end()).toMatchObject({ code: 4403 });
    expect(control.messages("lease.revoke")).toHaveLength(2);
    const states = async () => [(await read(one.stub)).state, (await read(two.stub)).state].sort();
    await expect.poll(states).toEqual(["failed", "running"]);
    // Asking again finishes it.
    await poolOf(place).disconnectAgent(place.agentId, "revoked by Ada");
    await expect.poll(states).toEqual(["failed", "failed"]);
  });

  it.each(["lease.declined", "lease.ended"])(
    "[S5] leaves no data socket to an agent that said %s and went on",
    async (type) => {
      const scene = await running([command("a"), command("b")]);
      const { place, control, data, lease } = scene;
      await expect.poll(async () => (await read(scene.stub)).steps[0]?.state).toBe("running");
      control.send({ type, leaseId: lease.id, fence: lease.fence, ...DECLINE });
      await poolOf(place).presence();
      await poolOf(place).disconnectAgent(place.agentId, "revoked by Ada");
      await data.end();
      const { state, steps } = await read(scene.stub);
      expect([state, steps[0]?.state]).toEqual(["failed", "unknown"]);
      expect(data.messages("step.start")).toEqual([]);
    },
  );

  it("[S5] takes a lease from an agent that declined it after a step of it had begun", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { id, stub } = await trigger(place);
    const { lease } = (await control.next("lease.offer")) as unknown as LeaseOffer;
    const data = await openData(place, id);
    const attempt = new Attempt("a", 1);
    data.send(attempt.hello(lease));
    data.send(attempt.started());
    await data.next("welcome");
    control.send({ type: "lease.declined", leaseId: lease.id, fence: 1, ...DECLINE });
    expect(await data.end()).toMatchObject({ code: 4410 });
    expect(await read(stub)).toMatchObject({ state: "failed", steps: [{ state: "unknown" }] });
  });

  it("ends data sockets under leases that are over, and those that have said nothing", async () => {
    const scene = await running();
    const { place, control, data, attempt, lease, stub } = scene;
    data.send(attempt.finished());
    await data.next("lease.release");
    control.send({ type: "lease.ended", leaseId: lease.id, fence: lease.fence });
    await expect.poll(async () => (await poolOf(place).presence())[place.agentId]?.busySlots).toBe(0);
    const silent = await openData(place, scene.id);
    const late = await openData(place, scene.id);
    late.send(new Attempt("a", 1).hello(lease));
    await late.next("welcome");
    const other = await openData({ ...place, agentId: "agt_other" }, scene.id);
    await poolOf(place).disconnectAgent(place.agentId, "revoked by Ada");
    for (const line of [silent, late]) expect(await line.end()).toMatchObject({ code: 4403 });
    expect(other.closed).toBeUndefined();
    // Where nobody says so they end by themselves.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + IDLE_SOCKET_MS });
    const heard = ExecutionCoordinator.prototype as unknown as { silentAt(): number };
    vi.spyOn(heard, "silentAt").mockReturnValue(Number.POSITIVE_INFINITY);
    await runDurableObjectAlarm(stub);
    expect(await other.end()).toMatchObject({ code: 4410 });
  });

  it("lets nobody in who was on the way meanwhile", async () => {
    const place = newPlace();
    await connectAgent(place);
    await poolOf(place).disconnectAgent(place.agentId, "revoked by Ada");
    await expect(openControl(place)).rejects.toThrow("401");
  });

  it("has the alarm ask again where a coordinator did not answer", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    await control.next("lease.offer");
    await logged(stub, "lease.granted");
    failOnce("leaseLost");
    await poolOf(place).disconnectAgent(place.agentId, "revoked by Ada");
    await control.end();
    for (let times = 0; times < 2; times++) {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + COMMAND_RESEND_MS });
      await runDurableObjectAlarm(poolOf(place));
    }
    await expect.poll(async () => (await read(stub)).state).not.toBe("running");
  });

  it("ends the agent's sockets and what runs on it", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    const offer = await acceptOffer(control);
    const data = await openData(place, offer.lease.executionId);
    data.send(new Attempt("a", 1).hello(offer.lease));
    await data.next("welcome");
    await poolOf(place).disconnectAgent(place.agentId, "revoked by Ada");
    expect(await control.end()).toMatchObject({ code: 4403 });
    expect(await data.end()).toMatchObject({ code: 4410 });
    expect(await read(stub)).toMatchObject({ state: "failed", steps: [{ state: "unknown" }] });
  });
});

describe("[G5] what only a revoked agent could do fails at once, with words that say why", () => {
  const retry = { maxAttempts: 3, delayMs: 1_000, on: ["unknown" as const, "failed" as const] };
  const again = { idempotent: true, retry };
  const whyOf = async ({ stub }: Pick<Awaited<ReturnType<typeof running>>, "stub">) => {
    const { state, steps } = await read(stub);
    return [state, ...steps.map(({ state, detail }) => `${state}: ${detail}`)];
  };

  it("what it was doing, also where it would be tried again", async () => {
    const scene = await running([command("a", again)]);
    await expect.poll(async () => (await read(scene.stub)).steps[0]?.state).toBe("running");
    await poolOf(scene.place).disconnectAgent(scene.place.agentId, "this agent was revoked");
    await expect
      .poll(() => whyOf(scene))
      .toEqual(["failed", expect.stringMatching(/^unknown: this agent was revoked; .* not tried again/)]);
  });

  it("what comes after something that it did, however long ago it was revoked", async () => {
    const pause: Block = { kind: "timer", id: "pause", durationMs: 3_600_000 };
    const scene = await running([command("a"), pause, command("b")]);
    const { place, control, data, attempt, lease, stub } = scene;
    data.send(attempt.finished());
    await data.next("lease.release");
    control.send({ type: "lease.ended", leaseId: lease.id, fence: lease.fence });
    await expect.poll(async () => (await poolOf(place).presence())[place.agentId]?.busySlots).toBe(0);
    await poolOf(place).disconnectAgent(place.agentId, "this agent was revoked");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    await runDurableObjectAlarm(poolOf(place));
    await runDurableObjectAlarm(stub);
    await expect
      .poll(() => whyOf(scene))
      .toEqual([
        "failed",
        expect.any(String),
        expect.any(String),
        expect.stringMatching(/^failed: .* was revoked/),
      ]);
  });

  it("what is queued for it already, also when the first word of it is lost", async () => {
    const scene = await running([command("a", again)]);
    const { place, control, stub } = scene;
    await expect.poll(async () => (await read(stub)).steps[0]?.state).toBe("running");
    control.socket.close(1000);
    await stub.leaseLost(scene.lease.id, scene.lease.fence, "lost", { mayRun: false, isRevoked: false });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2_000 });
    await runDurableObjectAlarm(stub);
    await expect.poll(async () => (await read(stub)).steps[0]?.wait).toMatchObject({ for: "agent" });
    failOnce("leaseFailed");
    await poolOf(place).disconnectAgent(place.agentId, "this agent was revoked");
    expect((await read(stub)).state).toBe("waiting");
    await runDurableObjectAlarm(poolOf(place));
    await expect
      .poll(() => whyOf(scene))
      .toEqual(["failed", expect.stringMatching(/^failed: .* was revoked/)]);
  });
});

it("[G2] a step of an agent that was cut off is tried again when it has certainly ended there", async () => {
  const retry = { maxAttempts: 2, delayMs: 1_000, on: ["unknown" as const] };
  const more = { timeoutMs: 60_000, idempotent: true, retry };
  const { place, control, stub } = await running([command("a", more)], { ...newPlace(), counter: 1 });
  await expect.poll(async () => (await read(stub)).steps[0]?.state).toBe("running");
  // Another machine with its key: both are cut off, and what the first one runs, runs on.
  await expect(openControl(place)).rejects.toThrow("409");
  await control.end();
  await expect.poll(async () => (await read(stub)).steps[0]?.state).toBe("waiting");
  // The second one is let in, as the same agent.
  await poolOf(place).releaseAgent(place.agentId);
  const other = await connectAgent({ ...place, counter: 7 });
  const ends = Date.now() + more.timeoutMs + CANCEL_GRACE_MS;
  const ring = async (at: number) => {
    vi.useFakeTimers({ toFake: ["Date"], now: at });
    await runDurableObjectAlarm(stub);
    await runDurableObjectAlarm(poolOf(place));
  };
  await ring(Date.now() + 5_000);
  await ring(ends);
  expect((await read(stub)).steps[0]?.state).toBe("waiting");
  expect(other.messages("lease.offer")).toEqual([]);
  await ring(ends + CONFIRM_MARGIN_MS);
  const again = await connectAgent({ ...place, counter: 8 });
  expect(await again.next("lease.offer")).toMatchObject({ firstStep: { step: "a", attempt: 2 } });
});
