import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Execution } from "#protocol/api/executions.ts";
import { AgentPool } from "../../worker/pool/AgentPool.ts";
import { PoolStore } from "../../worker/pool/store.ts";
import { logged, read, trigger } from "./poolScene.ts";
import {
  acceptOffer,
  command,
  connectAgent,
  declineOffer,
  type Line,
  newPlace,
  type Place,
  poolOf,
} from "./scriptedAgent.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const isQueueing = (place: Place) =>
  runInDurableObject(poolOf(place), (_, { storage }) => new PoolStore(storage).isQueueing());

/** Whether an agent of the pool has accepted a lease. */
const acceptedIn = (place: Place) =>
  runInDurableObject(
    poolOf(place),
    (_, { storage }) => new PoolStore(storage).acceptedSince(Number.MAX_SAFE_INTEGER).length > 0,
  );

describe("an offer that is declined", () => {
  it("[LS1] moves a declined lease to another agent under a higher fence", async () => {
    const place = newPlace();
    const one = await connectAgent(place);
    const { stub } = await trigger(place);
    await one.next("lease.offer");
    const two = await connectAgent({ ...place, agentId: "agt_two" });
    await declineOffer(one, "draining");
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
    const detail = "too little room on the agent's disk to keep output";
    await declineOffer(control, "spool_full", detail);
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
    /** Declines what is offered, and tells after how many seconds it is offered again. */
    const declined = async () => {
      await declineOffer(control, "spool_full", "", ++offers);
      await expect.poll(() => isQueueing(place)).toBe(true);
      for (let seconds = 1; ; seconds++) {
        vi.setSystemTime(Date.now() + 1_000);
        await runDurableObjectAlarm(poolOf(place));
        if (!(await isQueueing(place))) return seconds;
      }
    };
    const pauses = [];
    for (let round = 0; round < 3; round++) pauses.push(await declined());
    expect(pauses).toEqual([5, 10, 20]);

    const { lease } = await acceptOffer(control, ++offers);
    control.send({ type: "lease.ended", leaseId: lease.id, fence: lease.fence });
    await trigger(place);
    expect(await declined()).toBe(5);
  });

  it("fails the execution when the agent refuses the plan itself", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    const detail = "the plan's digest does not match";
    await declineOffer(control, "plan_rejected", detail);
    await logged(stub, "execution.finished");
    expect(await read(stub)).toMatchObject({ state: "failed", detail: expect.stringContaining(detail) });
  });
});

describe("a pool in which every agent declines", () => {
  const AGENTS = 25;
  const STEP_MS = 5_000;
  const FULL = "all slots of the agent are taken";
  const DISK = "too little room on the agent's disk to keep output";

  /** Agents that decline whatever they are offered, but those that are willing. */
  async function decliningPool() {
    // By the clock of the platform, which goes on as it did.
    const heard = AgentPool.prototype as unknown as { silentAt(): number };
    vi.spyOn(heard, "silentAt").mockReturnValue(Number.POSITIVE_INFINITY);
    const place = newPlace();
    const willing = new Set<string>();
    const controls = new Map<string, Line>();
    const answer = async (agentId: string, control: Line, n: number) => {
      await control.next("lease.offer", n);
      const isFull = Number(agentId.slice("agt_".length)) % 5 > 0;
      if (willing.has(agentId)) await acceptOffer(control, n);
      else
        await (isFull
          ? declineOffer(control, "no_slot", FULL, n)
          : declineOffer(control, "spool_full", DISK, n));
      void answer(agentId, control, n + 1);
    };
    for (let i = 1; i <= AGENTS; i++) {
      const agentId = `agt_${i}`;
      const control = await connectAgent({ ...place, agentId, name: `web-${i}` });
      controls.set(agentId, control);
      void answer(agentId, control, 1);
    }
    const offersTo = (agentId: string) => controls.get(agentId)?.messages("lease.offer").length ?? 0;
    return { place, willing, controls, offersTo };
  }

  /** Waits until everybody has answered: what is left is to wait for a time, or to run. */
  async function settled(
    place: Place,
    stub: Awaited<ReturnType<typeof trigger>>["stub"],
  ): Promise<Execution> {
    await expect
      .poll(
        async () => {
          const { state, steps, queue } = await read(stub);
          const wait = steps[0]?.wait;
          if (state === "timed_out" || (await acceptedIn(place))) return true;
          if (wait?.for !== "agent" || !queue) return false;
          return wait.askAt !== undefined || (await isQueueing(place));
        },
        { interval: 1 },
      )
      .toBe(true);
    return read(stub);
  }

  it("is asked until one takes it, each agent in its turn, and without a hot loop", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { place, willing, controls, offersTo } = await decliningPool();
    const { stub } = await trigger(place);
    const began = Date.now();
    const pass = async () => {
      vi.setSystemTime(Date.now() + STEP_MS);
      await runDurableObjectAlarm(stub);
      await runDurableObjectAlarm(poolOf(place));
      return settled(place, stub);
    };
    expect(await settled(place, stub)).toMatchObject({
      state: "waiting",
      queue: { reason: "agents_decline" },
    });
    const ids = [...controls.keys()];
    expect(ids.map(offersTo)).toEqual(ids.map(() => 1));

    while (Date.now() < began + 5 * 60_000) expect((await pass()).state).toBe("waiting");
    const counts = ids.map(offersTo);
    // Once at first, then every five seconds one of them.
    const tries = AGENTS + (5 * 60_000) / STEP_MS;
    expect(counts.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(tries + 1);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(2);
    expect((await read(stub)).head).toBeLessThan(8 * tries);

    willing.add("agt_17");
    const since = Date.now();
    while (!(await acceptedIn(place))) await pass();
    expect(Date.now() - since).toBeLessThanOrEqual(2 * AGENTS * STEP_MS);
    expect(await read(stub)).toMatchObject({
      state: "running",
      steps: [{ agentName: "web-17", attempt: 1 }],
    });
  });

  it("is asked for as long as the runbook says, and the step tells who declined and why", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { place } = await decliningPool();
    const { stub } = await trigger(place, [command("a", { target: { waitMs: 120_000 } })]);
    await settled(place, stub);
    const until = Date.now() + 120_000;
    const pass = async (to: number) => {
      vi.setSystemTime(to);
      await runDurableObjectAlarm(stub);
      return settled(place, stub);
    };
    for (let at = Date.now() + 40_000; at < until - 1; at += 40_000) {
      expect((await pass(at)).state).toBe("waiting");
    }
    const { state, steps } = await pass(until);
    expect([state, steps[0]?.detail]).toEqual([
      "timed_out",
      `no agent was found in time: 25 agents did not take it (20: ${FULL}; 5: ${DISK})`,
    ]);
  });
});
