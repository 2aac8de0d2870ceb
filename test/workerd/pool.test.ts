import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { LeaseOffer } from "#protocol/control.ts";
import { COMMAND_RESEND_MS } from "#protocol/limits.ts";
import type { Lease } from "#protocol/socket.ts";
import { ExecutionCoordinator } from "../../worker/execution/ExecutionCoordinator.ts";
import type { LeaseReply } from "../../worker/pool/contract.ts";
import { PoolStore } from "../../worker/pool/store.ts";
import { eventually } from "./eventually.ts";
import { failOnce, holdOffers, logged, read, requestOf, trigger } from "./poolScene.ts";
import {
  acceptOffer,
  command,
  connectAgent,
  coordinatorOf,
  type Line,
  newExecution,
  newPlace,
  type Place,
  poolOf,
} from "./scriptedAgent.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

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

  it("says of agents that drain that they do, while it waits and when that is over", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const place = newPlace();
    await connectAgent(place, { draining: true });
    const { stub } = await trigger(place, [command("a", { target: { waitMs: 60_000 } })]);
    await logged(stub, "lease.queued");
    expect((await read(stub)).queue).toMatchObject({
      reason: "agents_drain",
      detail:
        "scripted is draining; `farhand-agent undrain` on its host, or the end of an update, has it take work again",
    });
    vi.setSystemTime(Date.now() + 60_000);
    await runDurableObjectAlarm(stub);
    await logged(stub, "execution.finished");
    expect((await read(stub)).steps[0]?.detail).toMatch(/^no agent was found in time: scripted is draining;/);
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

it("a pool does no more at once than its limit, and goes on when that is raised", async () => {
  const place = newPlace();
  const control = await connectAgent(place, { slots: 4 });
  await poolOf(place).configure({ maxLeases: 1 });
  await trigger(place);
  await acceptOffer(control);
  const second = await trigger(place);
  await eventually(async () =>
    expect(await read(second.stub)).toMatchObject({
      state: "queued",
      queue: { ahead: 0, reason: "pool_full" },
    }),
  );
  await poolOf(place).configure({ maxLeases: 2 });
  await acceptOffer(control, 2);
  await eventually(async () => expect((await read(second.stub)).queue).toBeUndefined());
});
