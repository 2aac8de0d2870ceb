import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import type { LeaseOffer } from "#protocol/control.ts";
import { newId } from "#protocol/ids.ts";
import { CANCEL_GRACE_MS, COMMAND_RESEND_MS, HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";
import type { Lease } from "#protocol/socket.ts";
import { IDLE_SOCKET_MS } from "../../worker/execution/agentLink.ts";
import type { CreateExecution } from "../../worker/execution/contract.ts";
import { ExecutionCoordinator } from "../../worker/execution/ExecutionCoordinator.ts";
import { CONFIRM_MARGIN_MS } from "../../worker/execution/engine/deadlines.ts";
import type { LeaseReply } from "../../worker/pool/contract.ts";
import { PoolStore } from "../../worker/pool/store.ts";
import {
  Attempt,
  acceptOffer,
  command,
  connectAgent,
  controlHello,
  coordinatorOf,
  type Line,
  newExecution,
  newPlace,
  openControl,
  openData,
  type Place,
  poolOf,
} from "./scriptedAgent.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/**
 * Has the pool's question to a coordinator wait until it is let through. Told by
 * variables: a promise may not be awaited in one object and resolved in another.
 */
function holdOffers() {
  let asked = 0;
  let answered = 0;
  let open = false;
  const own = ExecutionCoordinator.prototype.offerTo;
  vi.spyOn(ExecutionCoordinator.prototype, "offerTo").mockImplementation(async function (
    this: ExecutionCoordinator,
    ...args
  ) {
    const answer = await own.apply(this, args);
    asked++;
    while (!open) await scheduler.wait(1);
    answered++;
    return answer;
  });
  return {
    asked: () => expect.poll(() => asked, { interval: 1 }).toBeGreaterThan(0),
    letThrough: () => {
      open = true;
      return expect.poll(() => asked - answered, { interval: 1 }).toBe(0);
    },
  };
}

/** Has the next call of a coordinator's method fail. */
function failOnce(method: "offerTo" | "leaseLost" | "leaseFailed") {
  vi.spyOn(ExecutionCoordinator.prototype, method).mockImplementationOnce(async () => {
    throw new Error("no answer");
  });
}

async function trigger(place: Place, blocks: Block[] = [command("a")]) {
  const execution = await newExecution(place, blocks);
  const stub = coordinatorOf(place, execution.executionId);
  await stub.create(execution);
  return { id: execution.executionId, stub };
}

/** What a coordinator asks the pool for its first step. */
function requestOf({ executionId, plan, planDigest }: CreateExecution) {
  const leaseId = newId("lease");
  const until = Date.now() + 3_600_000;
  return {
    request: { leaseId, executionId, fence: 1, labels: {}, wantedAgentId: undefined, until },
    payload: {
      plan,
      planDigest,
      firstStep: { type: "step.start", id: "x", step: "a", attempt: 1, fence: 1 },
    },
  } as const;
}

async function read(stub: ReturnType<typeof coordinatorOf>) {
  const execution = await stub.read();
  if (!execution) throw new Error("no such execution");
  return execution;
}

const DECLINE = { reason: "draining", detail: "" } as const;

/** An execution whose first step runs. */
async function running(blocks: Block[] = [command("a")], place: Place = newPlace()) {
  const control = await connectAgent(place);
  const { id, stub } = await trigger(place, blocks);
  const { lease } = await acceptOffer(control);
  const data = await openData(place, id);
  const attempt = new Attempt("a", lease.fence);
  data.send(attempt.hello(lease));
  data.send(attempt.started());
  await data.next("welcome");
  return { place, control, id, stub, lease, data, attempt };
}

/** Waits until the execution's log holds an event of this type. */
async function logged(stub: ReturnType<typeof coordinatorOf>, type: string): Promise<void> {
  const stream = await stub.fetch("https://object/events.sse");
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (reader && !text.includes(`event: ${type}\n`)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the log ended without ${type}: ${text}`);
    text += value;
  }
  await reader?.cancel();
}

describe("granting", () => {
  it("offers at once, plan and first step included", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { id, stub } = await trigger(place);
    const offer = await acceptOffer(control);
    expect(offer).toMatchObject({
      lease: { executionId: id, fence: 1 },
      firstStep: { step: "a", attempt: 1, fence: 1 },
    });
    await logged(stub, "lease.granted");
    expect(await read(stub)).toMatchObject({ state: "running", steps: [{ agentId: place.agentId }] });
    expect(await poolOf(place).presence()).toMatchObject({ [place.agentId]: { slots: 1, busySlots: 1 } });
  });

  it("offers a step that looks at its agent with what is true of the one that was chosen", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const looks = command("a", { env: { WHO: { expr: "agent.name" } } });
    await trigger(place, [looks]);
    const offer = await acceptOffer(control);
    expect(offer.firstStep).toMatchObject({ step: "a", inputs: { "env/WHO": "scripted" } });
  });

  it("queues with place and reason, and serves the queue in order as slots become free", async () => {
    const place = newPlace();
    const first = await trigger(place);
    await logged(first.stub, "lease.queued");
    expect(await read(first.stub)).toMatchObject({
      state: "queued",
      queue: { ahead: 0, reason: "no_agent_connected" },
    });
    const second = await trigger(place);
    await logged(second.stub, "lease.queued");
    expect((await read(second.stub)).queue).toMatchObject({ ahead: 1 });

    const control = await connectAgent(place);
    const offer = await acceptOffer(control);
    expect(offer.lease.executionId).toBe(first.id);
    control.send({ type: "lease.ended", leaseId: offer.lease.id, fence: 1 });
    expect((await acceptOffer(control, 2)).lease.executionId).toBe(second.id);
  });

  it("does not offer what was canceled while it waited", async () => {
    const place = newPlace();
    const gone = await trigger(place);
    await logged(gone.stub, "lease.queued");
    const actor = { type: "system", name: "test" } as const;
    await gone.stub.ask({ type: "cancel", actor, reason: "", force: false });
    expect(await read(gone.stub)).toMatchObject({ state: "canceled" });
    const kept = await trigger(place);
    const control = await connectAgent(place);
    expect((await control.next("lease.offer")).lease).toMatchObject({ executionId: kept.id });
  });

  it("serves nobody whose execution has waited for as long as it may, and counts nobody behind it", async () => {
    const place = newPlace();
    const gone = requestOf(await newExecution(place, [command("a")]));
    const until = Date.now() + 60_000;
    await poolOf(place).requestLease({ ...gone.request, until }, gone.payload);
    const offered = vi.spyOn(ExecutionCoordinator.prototype, "offerTo");
    vi.useFakeTimers({ toFake: ["Date"], now: until });
    const kept = await trigger(place);
    await logged(kept.stub, "lease.queued");
    expect((await read(kept.stub)).queue).toMatchObject({ ahead: 0 });
    const control = await connectAgent(place);
    expect((await control.next("lease.offer")).lease).toMatchObject({ executionId: kept.id });
    expect(offered.mock.calls.map(([id]) => id)).not.toContain(gone.request.leaseId);
  });

  it.each<
    [string, (place: Place, ask: () => Promise<LeaseReply>, give: () => Promise<void>) => Promise<void>]
  >([
    ["was asked for", (_place, _ask, give) => give()],
    [
      "was served",
      async (_place, ask, give) => {
        expect(await ask()).toMatchObject({ outcome: "queued" });
        await give();
      },
    ],
    [
      "had ended",
      async (place, ask, give) => {
        const control = await connectAgent(place);
        expect(await ask()).toMatchObject({ outcome: "offered" });
        const { lease } = await acceptOffer(control);
        await give();
        control.send({ type: "lease.ended", leaseId: lease.id, fence: lease.fence });
        await expect.poll(async () => (await poolOf(place).presence())[place.agentId]?.busySlots).toBe(0);
        control.socket.close(1000, "cut");
        await expect.poll(() => poolOf(place).presence()).toEqual({});
      },
    ],
  ])("[G1] [CX1] grants nothing that was given back before it %s", async (_, prepare) => {
    const place = newPlace();
    const { request, payload } = requestOf(await newExecution(place, [command("a")]));
    const ask = () => poolOf(place).requestLease(request, payload);
    await prepare(place, ask, () => poolOf(place).releaseLease(request.leaseId, 1, "abandoned"));
    await evictDurableObject(poolOf(place));
    const control = await connectAgent(place);
    expect(await ask()).toEqual({ outcome: "over" });
    expect(await poolOf(place).presence()).toMatchObject({ [place.agentId]: { busySlots: 0 } });
    expect(control.messages("lease.offer")).toEqual([]);
  });

  it("gives agents only what their labels fit", async () => {
    const place = newPlace();
    await connectAgent(place, { labels: { role: "db" } });
    const execution = await newExecution(place, [command("a")]);
    execution.plan.target.labels = { role: "web" };
    const stub = coordinatorOf(place, execution.executionId);
    await stub.create(execution);
    await logged(stub, "lease.queued");
    expect((await read(stub)).queue).toMatchObject({
      reason: "no_agent_matches",
      detail: "role=web is on no connected agent; connected: scripted (role=db)",
    });
    const web = await connectAgent({ ...place, agentId: "agt_web" }, { labels: { role: "web" } });
    await web.next("lease.offer");
  });

  it("[LS1] moves a declined lease to another agent under a higher fence", async () => {
    const place = newPlace();
    const one = await connectAgent(place);
    const { stub } = await trigger(place);
    const { lease } = await one.next("lease.offer");
    const two = await connectAgent({ ...place, agentId: "agt_two" });
    one.send({
      type: "lease.declined",
      leaseId: (lease as { id: string }).id,
      fence: 1,
      reason: "draining",
      detail: "",
    });
    expect(await two.next("lease.offer")).toMatchObject({
      lease: { fence: 2 },
      firstStep: { fence: 2, attempt: 1 },
    });
    await logged(stub, "lease.failed");
  });

  it("says which agent declined and why, while there is no other", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    const { lease } = await control.next("lease.offer");
    const detail = "too little room on the agent's disk to keep output";
    const { id: leaseId } = lease as { id: string };
    control.send({ type: "lease.declined", leaseId, fence: 1, reason: "spool_full", detail });
    await logged(stub, "lease.queued");
    const { queue } = await read(stub);
    expect(queue).toMatchObject({
      reason: "agents_decline",
      detail: expect.stringMatching(`^[^ ]+: ${detail}$`),
    });
  });

  it("asks an agent that declines again and again less and less often, until it accepts", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    await trigger(place);
    vi.useFakeTimers({ toFake: ["Date"] });
    let offers = 0;
    const isQueueing = () =>
      runInDurableObject(poolOf(place), (_, { storage }) => new PoolStore(storage).isQueueing());
    /** Declines what is offered, and tells after how many seconds it is offered again. */
    const declined = async () => {
      const { lease } = await control.next("lease.offer", ++offers);
      const { id: leaseId, fence } = lease as Lease;
      control.send({ type: "lease.declined", leaseId, fence, reason: "spool_full", detail: "" });
      await expect.poll(isQueueing).toBe(true);
      for (let seconds = 1; ; seconds++) {
        vi.setSystemTime(Date.now() + 1_000);
        await runDurableObjectAlarm(poolOf(place));
        if (!(await isQueueing())) return seconds;
      }
    };
    const pauses = [];
    for (let round = 0; round < 3; round++) pauses.push(await declined());
    expect(pauses).toEqual([5, 10, 20]);

    const { id: leaseId, fence } = (await control.next("lease.offer", ++offers)).lease as Lease;
    control.send({ type: "lease.accepted", leaseId, fence });
    control.send({ type: "lease.ended", leaseId, fence });
    await trigger(place);
    expect(await declined()).toBe(5);
  });

  it("fails the execution when the agent refuses the plan itself", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    const { lease } = await control.next("lease.offer");
    const detail = "the plan's digest does not match";
    control.send({
      type: "lease.declined",
      leaseId: (lease as { id: string }).id,
      fence: 1,
      reason: "plan_rejected",
      detail,
    });
    await logged(stub, "execution.finished");
    expect(await read(stub)).toMatchObject({ state: "failed", detail: expect.stringContaining(detail) });
  });
});

describe("serving the queue", () => {
  /** Triggers an execution that only agents with this role may take, and waits until it is in the queue. */
  async function enqueue(place: Place, role: string) {
    const execution = await newExecution(place, [command("a")]);
    execution.plan.target.labels = { role };
    const stub = coordinatorOf(place, execution.executionId);
    await stub.create(execution);
    await logged(stub, "lease.queued");
    return { id: execution.executionId, stub };
  }

  it("goes on for an agent that comes while another is being served", async () => {
    const place = newPlace();
    const passedOver = await enqueue(place, "web");
    await enqueue(place, "db");
    const offers = holdOffers();
    await connectAgent(place, { labels: { role: "db" } });
    await offers.asked();
    const web = await connectAgent({ ...place, agentId: "agt_web" }, { labels: { role: "web" } });
    await offers.letThrough();
    // Well before the alarm, which looks every five seconds.
    await expect.poll(() => web.messages("lease.offer").length, { timeout: 2_000 }).toBe(1);
    expect(web.messages("lease.offer")[0]).toMatchObject({ lease: { executionId: passedOver.id } });
  });

  it("stops for no execution that cannot be asked", async () => {
    const place = newPlace();
    await enqueue(place, "db");
    const second = await enqueue(place, "db");
    failOnce("offerTo");
    const control = await connectAgent(place, { labels: { role: "db" }, slots: 2 });
    await expect.poll(() => control.messages("lease.offer").length, { timeout: 2_000 }).toBe(1);
    expect(control.messages("lease.offer")[0]).toMatchObject({ lease: { executionId: second.id } });
  });

  it.each([
    ["was given back", (place: Place, lease: Lease) => poolOf(place).releaseLease(lease.id, 1, "canceled")],
    [
      "was accepted",
      async (place: Place, lease: Lease, control: Line) => {
        control.send({ type: "lease.accepted", leaseId: lease.id, fence: 1 });
        await poolOf(place).presence();
      },
    ],
  ])("offers nothing that %s while its execution was asked", async (_, settle) => {
    const place = newPlace();
    const control = await connectAgent(place);
    await trigger(place);
    const { lease } = (await control.next("lease.offer")) as unknown as LeaseOffer;
    const offers = holdOffers();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + COMMAND_RESEND_MS });
    await runDurableObjectAlarm(poolOf(place));
    await offers.asked();
    await settle(place, lease, control);
    await offers.letThrough();
    await poolOf(place).presence();
    await poolOf(place).disconnectAgent(place.agentId, "the end of this test");
    await control.end();
    expect(control.messages("lease.offer")).toHaveLength(1);
  });
});

it("a lease that ends twice frees one slot", async () => {
  const place = newPlace();
  const busy = await runInDurableObject(poolOf(place), (_, { storage }) => {
    const store = new PoolStore(storage);
    const row = (id: string) => ({
      id,
      executionId: "exe_1",
      fence: 1,
      labels: {},
      wantedAgentId: undefined,
    });
    store.addLease(row("lse_1"), place.agentId, 0);
    store.addLease(row("lse_2"), place.agentId, 0);
    const lease = store.lease("lse_1");
    if (!lease) throw new Error("no lease");
    store.removeLease(lease);
    store.removeLease(lease);
    return store.busy(place.agentId);
  });
  expect(busy).toBe(1);
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
    await vi.waitFor(() => expect(asked).toHaveBeenCalled());
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

describe("what is not of the protocol", () => {
  it.each([
    ["garbage", "}{"],
    ["binary", new Uint8Array([1, 2, 3])],
    ["a message nobody knows", { type: "lease.please" }],
    ["a report before hello", { type: "lease.ended", leaseId: "x", fence: 1 }],
    ["a host name that turns the text behind it", controlHello({ hostname: "web\u202e1" })],
    ["an unreasonable number of slots", controlHello({ slots: 1_000_000 })],
    [
      "labels without end",
      controlHello({
        labels: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, "v".repeat(50)])),
      }),
    ],
  ])("ends the socket: %s", async (_name, frame) => {
    const control = await openControl(newPlace());
    control.send(frame);
    expect(await control.end()).toMatchObject({ code: 4400 });
  });

  it("[HS2] an assertion that was used before", async () => {
    const place = newPlace();
    await openControl(place, "the-same");
    await expect(openControl(place, "the-same")).rejects.toThrow("401");
  });

  it("a frame nested 100,000 levels deep", async () => {
    const control = await connectAgent(newPlace());
    control.send(`{"type":"hello","labels":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`);
    const reason = "frame is nested deeper than 128 levels";
    expect(await control.end()).toMatchObject({ code: 4400, reason });
  });

  it("[HS1] a version that is not shared, with the end to upgrade", async () => {
    const control = await openControl(newPlace());
    control.send(controlHello({ protocol: { min: 9, max: 9 } }));
    expect(await control.end()).toMatchObject({
      code: 4426,
      reason: expect.stringContaining("upgrade the server"),
    });
  });

  it("[S5] reports about a lease of another agent change nothing", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    const offer = await acceptOffer(control);
    const other = await connectAgent({ ...place, agentId: "agt_other" });
    other.send({ type: "lease.declined", leaseId: offer.lease.id, fence: 1, reason: "draining", detail: "" });
    other.send({ type: "lease.ended", leaseId: offer.lease.id, fence: 1 });
    other.send("}{");
    await other.end();
    expect((await poolOf(place).presence())[place.agentId]).toMatchObject({ busySlots: 1 });
    expect((await read(stub)).state).toBe("running");
  });
});

it("a pool does no more at once than its limit, and goes on when that is raised", async () => {
  const place = newPlace();
  const control = await connectAgent(place, { slots: 4 });
  await poolOf(place).configure({ maxLeases: 1 });
  await trigger(place);
  await acceptOffer(control);
  const second = await trigger(place);
  await vi.waitFor(async () =>
    expect(await read(second.stub)).toMatchObject({
      state: "queued",
      queue: { ahead: 0, reason: "pool_full" },
    }),
  );
  await poolOf(place).configure({ maxLeases: 2 });
  await acceptOffer(control, 2);
  await vi.waitFor(async () => expect((await read(second.stub)).queue).toBeUndefined());
});
