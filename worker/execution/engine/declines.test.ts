import { describe, expect, it } from "vitest";
import { QUEUE_WAIT_DEFAULT_MS } from "#protocol/limits.ts";
import { deadlineOf } from "./deadlines.ts";
import { command, Run } from "./testRun.ts";

const HOUR = QUEUE_WAIT_DEFAULT_MS;
const FULL = "all slots of the agent are taken";
const DISK = "too little room on the agent's disk to keep output";

/** An execution whose pool offers at once whatever it is asked for; every agent declines. */
class Declining extends Run {
  /** When each agent was asked, ms since the execution began. */
  readonly offers: { agent: string; at: number }[] = [];

  /** @param agentOf whom the pool chooses, by how many it has asked before */
  goOn(until: number, agentOf: (count: number) => string, whyOf: (agent: string) => string = () => FULL) {
    const began = 1_000;
    while (!this.state.end) {
      for (const fence of this.state.openLeases) {
        const agent = agentOf(this.offers.length);
        this.offers.push({ agent, at: this.now - began });
        this.granted(fence, agent);
        this.input({ type: "lease.failed", fence, reason: whyOf(agent), retry: true });
        break;
      }
      if (this.state.openLeases.size > 0) continue;
      const next = deadlineOf(this.state)?.at ?? Number.POSITIVE_INFINITY;
      if (next > began + until) return this;
      this.at(next);
    }
    return this;
  }
}

describe("[G5] [LS1] a step that agents decline", () => {
  it("is offered at once to each agent that was not asked yet, however many decline", () => {
    const run = new Declining([command("a")]).goOn(0, (count) => `agt_${Math.min(count, 499)}`);
    expect(run.offers.slice(0, 500).every(({ at }) => at === 0)).toBe(true);
    expect(new Set(run.offers.map(({ agent }) => agent)).size).toBe(500);
    const fence = run.state.leases.size;
    expect(run.step("a").wait).toMatchObject({ for: "agent", askAt: 1_000 + 5_000 });
    run.at(6_000);
    run.granted(fence + 1, "agt_willing").started("a");
    expect(run.step("a")).toMatchObject({ state: "running", attempt: 1 });
  });

  it.each([
    ["one agent", 1, HOUR, 310],
    ["25 agents", 25, HOUR, 335],
    ["25 agents, for 30 days", 25, 30 * 24 * HOUR, 10_000],
  ])(
    "by %s is offered again and again, ever less often, until its wait is over",
    (_, agents, waitMs, max) => {
      const block = command("a", { target: { waitMs } });
      const run = new Declining([block]).goOn(waitMs, (count) => `agt_${count % agents}`);
      expect(run.offers.length).toBeGreaterThan(agents + 200);
      expect(run.offers.length).toBeLessThan(max);
      expect(run.log.length).toBeLessThan(8 * max);
      const pauses = run.offers.slice(agents).map(({ at }, i, all) => at - (all[i - 1]?.at ?? at - 5_000));
      expect(Math.min(...pauses)).toBe(5_000);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(300_000);
      expect(run.now).toBe(1_000 + waitMs);
      expect(run.step("a").state).toBe("timed_out");
    },
  );

  it("is offered at once where the pool itself has waited long enough before it asked the same agent again", () => {
    const run = new Run([command("a")]);
    for (let fence = 1; fence <= 50; fence++) {
      run.input({ type: "lease.queued", fence, ahead: 0, reason: "agents_decline" });
      run.now += 60_000;
      run.granted(fence).input({ type: "lease.failed", fence, reason: FULL, retry: true });
      expect(run.step("a")).toMatchObject({ state: "dispatched", fence: fence + 1 });
    }
  });

  it("is not offered so late that the answer could come after its wait: then nobody would know its fate", () => {
    const run = new Declining([command("a", { target: { waitMs: 61_000 } })]).goOn(61_000, () => "agt_1");
    expect(run.offers.at(-1)?.at).toBe(55_000);
    expect(run.step("a").state).toBe("timed_out");
  });

  it("counts nothing of an earlier wait", () => {
    const run = new Declining([command("a", { onFailure: "continue" }), command("b")]);
    run.goOn(HOUR, () => "agt_1");
    const asked = run.offers.filter(({ at }) => at >= HOUR);
    expect(asked.slice(0, 2).map(({ at }) => at)).toEqual([HOUR, HOUR]);
  });

  it("keeps steps that come with it waiting with it, and whoever takes one takes them all", () => {
    const parallel = { kind: "parallel" as const, id: "both", branches: [[command("a")], [command("b")]] };
    const run = new Declining([parallel]).goOn(0, () => "agt_1");
    expect([run.step("a").wait, run.step("b").wait]).toEqual([
      { for: "agent", until: 1_000 + HOUR, askAt: 6_000 },
      { for: "agent", until: 1_000 + HOUR, askAt: 6_000 },
    ]);
    run.at(6_000);
    run.granted(run.state.leases.size).started("a").started("b");
    expect(run.state.openLeases.size).toBe(1);
  });

  it("is offered less often the more steps go with it, for each leaves events of its own", () => {
    const branches = Array.from({ length: 60 }, (_, at) => [command(`s${at}`, { onFailure: "continue" })]);
    const parallel = { kind: "parallel" as const, id: "all", branches };
    const run = new Declining([parallel]).goOn(HOUR, () => "agt_1");
    const pauses = run.offers.slice(2).map(({ at }, i) => at - (run.offers[i + 1]?.at ?? 0));
    expect(Math.min(...pauses)).toBe(60_000);
    expect(run.log.length).toBeLessThan(60 * 60 * 5);
  });

  it("has steps that come while it waits to be offered again wait with it, and gets no new hour from them", () => {
    const late = (id: string, durationMs: number) => [
      { kind: "timer" as const, id: `before-${id}`, durationMs },
      command(id, { onFailure: "continue" }),
    ];
    const branches = [late("a", 0), late("b", 2_000), late("c", 1_000_000)];
    const parallel = { kind: "parallel" as const, id: "all", branches };
    const run = new Declining([parallel]).goOn(2 * HOUR, () => "agt_1");
    const pauses = run.offers.slice(2).map(({ at }, i) => at - (run.offers[i + 1]?.at ?? 0));
    expect(Math.min(...pauses)).toBe(5_000);
    expect(run.now).toBe(1_000 + HOUR);
    expect(run.states()).toMatchObject({ a: "timed_out", b: "timed_out", c: "timed_out" });
  });

  it("is not offered again after a cancel, and nothing is left to wait for", () => {
    const run = new Declining([command("a")]).goOn(0, () => "agt_1");
    const actor = { type: "system", name: "test" } as const;
    run.input({ type: "cancel", actor, reason: "", force: false });
    expect(run.state.end).toMatchObject({ state: "canceled", confirmed: true });
    expect(deadlineOf(run.state)).toBeUndefined();
  });
});

describe("when the wait is over the step says who did not take it, and why", () => {
  const odd = (agent: string) => `reason of ${agent}`;
  it.each<[number, (agent: string) => string, string]>([
    [1, () => FULL, `1 agent did not take it (1: ${FULL})`],
    [
      12,
      (agent) => (agent === "agt_0" || agent === "agt_7" ? DISK : FULL),
      `12 agents did not take it (10: ${FULL}; 2: ${DISK})`,
    ],
    [
      5,
      odd,
      "5 agents did not take it (1: reason of agt_0; 1: reason of agt_1; 1: reason of agt_2; 2: other reasons)",
    ],
  ])("%i agents", (agents, whyOf, words) => {
    const run = new Declining([command("a")]).goOn(HOUR, (count) => `agt_${count % agents}`, whyOf);
    expect(run.step("a")).toMatchObject({
      state: "timed_out",
      detail: `no agent was found in time: ${words}`,
    });
  });

  it("also while it is in the pool's queue", () => {
    const run = new Run([command("a")]).granted();
    run.input({ type: "lease.failed", fence: 1, reason: DISK, retry: true });
    run.input({ type: "lease.queued", fence: 2, ahead: 0, reason: "agents_decline" });
    run.at(1_000 + HOUR);
    expect(run.step("a").detail).toBe(`no agent was found in time: 1 agent did not take it (1: ${DISK})`);
  });

  it("and asks nobody when the last word comes after it", () => {
    const run = new Run([command("a")]).granted();
    run.now = 1_000 + HOUR + 1;
    run.asked();
    run.input({ type: "lease.failed", fence: 1, reason: DISK, retry: true });
    expect(run.step("a")).toMatchObject({ state: "timed_out", detail: expect.stringContaining(DISK) });
    expect(run.asked()).toEqual(["project"]);
  });
});
