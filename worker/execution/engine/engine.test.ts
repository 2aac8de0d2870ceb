import { describe, expect, it } from "vitest";
import type { ExecutionEvent } from "#protocol/events.ts";
import { CANCEL_GRACE_MS, HEARTBEAT_TIMEOUT_MS, LEASE_DISCONNECT_MS } from "#protocol/limits.ts";
import type { Plan } from "#protocol/plan.ts";
import type { Block, CommandBlock } from "#protocol/runbook/document.ts";
import { CONFIRM_MARGIN_MS, deadlineOf, QUEUE_TIMEOUT_MS } from "./deadlines.ts";
import { create, engine, isRecorded } from "./engine.ts";
import { fold, type TimedEvent } from "./fold.ts";
import type { Decision, Effect, EngineInput } from "./inputs.ts";
import type { EngineState } from "./state.ts";

const EMPTY = { bytes: 0, sha256: "0".repeat(64), cutBytes: 0 };
const ACTOR = { type: "user", id: "usr_1", name: "Ada" } as const;

function command(id: string, more: Partial<CommandBlock> = {}): CommandBlock {
  return { kind: "command", id, interpreter: "sh", script: "true", timeoutMs: 60_000, ...more };
}

function planOf(blocks: Block[]): Plan {
  return {
    schema: 1,
    organizationId: "org_1",
    runbookId: "rb_1",
    versionId: "rbv_1",
    versionNumber: 1,
    versionHash: "hash",
    title: "Test",
    parameters: {},
    target: { poolId: "pool_1", poolName: "default", labels: {} },
    blocks,
    nonce: "nonce",
    expiresAt: 1e12,
  };
}

/** An execution under the engine, with its log and everything it asked for. */
class Run {
  now = 1_000;
  state: EngineState;
  readonly log: TimedEvent[] = [];
  readonly effects: Effect[] = [];
  readonly #plan: Plan;
  #leases = 0;

  constructor(blocks: Block[]) {
    this.#plan = planOf(blocks);
    const origin = { planDigest: "digest", trigger: { type: "user" }, actor: ACTOR } as const;
    const decision = create(this.#plan, origin, this.#moment());
    this.state = decision.state;
    this.#keep(decision);
  }

  #moment() {
    return { now: this.now, leaseId: `lease-${++this.#leases}` };
  }

  #keep(decision: Decision): ExecutionEvent[] {
    this.log.push(...decision.events.map((event) => ({ time: this.now, event })));
    this.effects.push(...decision.effects);
    this.state = { ...decision.state, steps: decision.state.steps.merge() };
    return decision.events;
  }

  input(input: EngineInput): ExecutionEvent[] {
    return this.#keep(engine(this.state, input, this.#moment()));
  }

  at(now: number): ExecutionEvent[] {
    this.now = now;
    return this.input({ type: "tick" });
  }

  granted(fence = 1): this {
    this.input({ type: "lease.granted", fence, agentId: "agt_1", agentName: "one" });
    return this;
  }

  started(step: string, fence = 1): this {
    this.input({ type: "step.started", step, attempt: 1, fence, pid: 7, agentTime: 0 });
    return this;
  }

  exited(step: string, exitCode = 0, fence = 1): ExecutionEvent[] {
    return this.finished(step, { type: "exited", exitCode }, fence);
  }

  finished(step: string, outcome: Extract<EngineInput, { type: "step.finished" }>["outcome"], fence = 1) {
    const streams = { stdout: EMPTY, stderr: EMPTY };
    return this.input({
      type: "step.finished",
      step,
      attempt: 1,
      fence,
      outcome,
      durationMs: 5,
      streams,
      leakedOutput: false,
    });
  }

  step(path: string) {
    const step = this.state.steps.get(path);
    if (!step) throw new Error(`no step ${path}`);
    return step;
  }

  types(): string[] {
    return this.log.map(({ event }) => event.type);
  }

  /** What it asked for since the last look. */
  asked(): string[] {
    return this.effects.splice(0).map((effect) => effect.type);
  }
}

describe("a run to the end", () => {
  it("runs commands one after the other on one lease, and instructions in passing", () => {
    const run = new Run([
      { kind: "instruction", id: "read", markdown: "Read me" },
      command("a"),
      command("b"),
    ]);
    expect(run.step("read").state).toBe("succeeded");
    expect(run.step("a").state).toBe("dispatched");
    expect(run.asked()).toEqual(["lease.request"]);
    run.granted().started("a").exited("a");
    expect(run.asked()).toEqual(["step.start"]);
    run.started("b").exited("b");
    expect(run.state.end).toMatchObject({ state: "succeeded", confirmed: true });
    expect(run.asked()).toEqual(["lease.release", "project"]);
    expect(run.types().filter((type) => type === "lease.requested")).toHaveLength(1);
  });

  it("ends at once when there is nothing to run", () => {
    const run = new Run([]);
    expect(run.state.end?.state).toBe("succeeded");
    expect(run.asked()).toEqual(["project"]);
  });

  it("skips what follows a failure and says which step failed", () => {
    const run = new Run([command("a"), command("b")]).granted().started("a");
    run.exited("a", 3);
    expect(run.step("b").state).toBe("skipped");
    expect(run.state.end).toMatchObject({ state: "failed", detail: 'step "a": exit code 3' });
  });

  it("[G11] gives the same state when the log is folded again", () => {
    const run = new Run([command("a"), command("b")]).granted().started("a");
    run.exited("a", 1);
    const again = fold(planOf([command("a"), command("b")]), run.log);
    expect([...again.steps.values()]).toEqual([...run.state.steps.values()]);
    expect({ ...again, steps: 0 }).toEqual({ ...run.state, steps: 0 });
  });

  it("does not change the state it is given", () => {
    const run = new Run([command("a")]).granted();
    const before = structuredClone([...run.state.steps.values()]);
    engine(
      run.state,
      { type: "step.started", step: "a", attempt: 1, fence: 1, pid: 1, agentTime: 0 },
      { now: 2, leaseId: "x" },
    );
    expect([...run.state.steps.values()]).toEqual(before);
  });
});

describe("leases", () => {
  it("waits in the queue, is dispatched when its turn comes, and gives up in the end", () => {
    const run = new Run([command("a")]);
    run.input({ type: "lease.queued", fence: 1, ahead: 2, reason: "all_busy" });
    expect(run.step("a").state).toBe("waiting");
    expect(deadlineOf(run.state)).toMatchObject({ type: "queue" });
    run.granted();
    expect(run.step("a").state).toBe("dispatched");

    const tired = new Run([command("a")]);
    tired.input({ type: "lease.queued", fence: 1, ahead: 0, reason: "no_agent_connected" });
    tired.at(1_000 + QUEUE_TIMEOUT_MS);
    expect(tired.state.end).toMatchObject({ state: "timed_out", detail: "no agent became free in time" });
  });

  it("[LS1] asks again under a higher fence when an offer came to nothing", () => {
    const run = new Run([command("a")]).granted();
    run.input({ type: "lease.failed", fence: 1, reason: "draining", retry: true });
    expect(run.step("a")).toMatchObject({ state: "dispatched", fence: 2, attempt: 1 });
    expect(run.state.leases.map((lease) => lease.fence)).toEqual([1, 2]);
  });

  it("fails the step when no agent would take it", () => {
    const run = new Run([command("a")]);
    run.input({ type: "lease.failed", fence: 1, reason: "the plan's digest does not match", retry: false });
    expect(run.state.end).toMatchObject({ state: "failed", detail: expect.stringContaining("digest") });
  });

  it("gives up after twenty offers that came to nothing", () => {
    const run = new Run([command("a")]);
    for (let fence = 1; fence <= 20; fence++) {
      run.input({ type: "lease.failed", fence, reason: "no_slot", retry: true });
    }
    expect(run.state.end?.state).toBe("failed");
  });

  it("[LS2] [G16] keeps a report under an old fence as late, once, and without effect", () => {
    const run = new Run([command("a")]).granted();
    run.input({ type: "lease.failed", fence: 1, reason: "not received", retry: true });
    run.granted(2).started("a", 2);
    expect(run.exited("a", 0, 1).map((event) => event.type)).toEqual(["step.late"]);
    expect(run.exited("a", 0, 1)).toEqual([]);
    expect(run.step("a").state).toBe("running");
    expect(isRecorded(run.state, { step: "a", attempt: 1, fence: 1 })).toBe(true);
    expect(isRecorded(run.state, { step: "a", attempt: 1, fence: 2 })).toBe(false);
  });
});

describe("agents that come and go", () => {
  it("[CM1] sends the step again when the agent does not know it, and not when it does", () => {
    const run = new Run([command("a")]).granted();
    run.asked();
    run.input({ type: "agent.connected", fence: 1, attempts: [] });
    expect(run.asked()).toEqual(["step.start"]);
    run.input({ type: "agent.connected", fence: 1, attempts: [{ step: "a", attempt: 1 }] });
    expect(run.asked()).toEqual([]);
  });

  it("[LS3] lets a step go on out of reach, and takes its result when the agent is back", () => {
    const run = new Run([command("a")]).granted().started("a");
    run.input({ type: "agent.disconnected", fence: 1, reason: "reset" });
    expect(run.step("a").state).toBe("unreachable");
    run.input({ type: "agent.connected", fence: 1, attempts: [{ step: "a", attempt: 1 }] });
    expect(run.step("a").state).toBe("running");
    run.exited("a");
    expect(run.state.end?.state).toBe("succeeded");
  });

  it("[G5] [ST2] ends as unknown when the agent stays away past the step's time limit", () => {
    const run = new Run([command("a")]).granted().started("a");
    run.input({ type: "agent.disconnected", fence: 1, reason: "reset" });
    run.at(1_000 + 60_000 + CANCEL_GRACE_MS + CONFIRM_MARGIN_MS - 1);
    expect(run.state.end).toBeUndefined();
    run.at(run.now + 1);
    expect(run.step("a").state).toBe("unknown");
    expect(run.state.end).toMatchObject({ state: "failed", confirmed: false });
  });

  it("[LS3] gives a step with onDisconnect: stop up as soon as its agent must have killed it", () => {
    const run = new Run([command("a", { onDisconnect: "stop", timeoutMs: 3_600_000 })])
      .granted()
      .started("a");
    run.input({ type: "agent.disconnected", fence: 1, reason: "reset" });
    run.at(1_000 + LEASE_DISCONNECT_MS + CANCEL_GRACE_MS + CONFIRM_MARGIN_MS);
    expect(run.step("a").state).toBe("unknown");
  });

  it("calls a step unreachable when its agent took it and said nothing", () => {
    const run = new Run([command("a")]).granted();
    run.at(1_000 + HEARTBEAT_TIMEOUT_MS);
    expect(run.step("a").state).toBe("unreachable");
  });

  it("[ST2] reports as unknown what an agent came back without", () => {
    const run = new Run([command("a"), command("b")]).granted().started("a");
    run.input({ type: "agent.connected", fence: 1, attempts: [] });
    expect(run.step("a").state).toBe("unknown");
    expect(run.step("b").state).toBe("skipped");

    const lost = new Run([command("a")]).granted().started("a");
    lost.input({ type: "lease.lost", fence: 1, reason: "revoked" });
    expect(lost.state.end).toMatchObject({ state: "failed", confirmed: false });
  });
});

describe("stopping", () => {
  it("[CX1] stops the running step and ends as canceled when that is confirmed", () => {
    const run = new Run([command("a"), command("b")]).granted().started("a");
    run.asked();
    run.input({ type: "cancel", actor: ACTOR, reason: "wrong host" });
    expect(run.asked()).toEqual(["step.cancel"]);
    expect(run.input({ type: "cancel", actor: ACTOR, reason: "again" })).toEqual([]);
    run.finished("a", { type: "stopped", reason: "canceled", confirmed: true });
    expect(run.step("a").state).toBe("canceled");
    expect(run.state.end).toMatchObject({ state: "canceled", confirmed: true, detail: "wrong host" });
  });

  it("[CX2] ends as canceled and not confirmed when the agent does not answer", () => {
    const run = new Run([command("a")]).granted().started("a");
    run.input({ type: "agent.disconnected", fence: 1, reason: "reset" });
    run.input({ type: "cancel", actor: ACTOR, reason: "" });
    run.at(1_000 + CANCEL_GRACE_MS + CONFIRM_MARGIN_MS);
    expect(run.state.end).toMatchObject({ state: "canceled", confirmed: false });
  });

  it("cancels what waits in the queue at once", () => {
    const run = new Run([command("a")]);
    run.input({ type: "lease.queued", fence: 1, ahead: 0, reason: "all_busy" });
    run.asked();
    run.input({ type: "cancel", actor: ACTOR, reason: "" });
    expect(run.state.end).toMatchObject({ state: "canceled", confirmed: true });
    expect(run.asked()).toEqual(["lease.release", "project"]);
  });

  it("cancels what was asked of the pool and turned out to be queued", () => {
    const run = new Run([command("a")]);
    run.input({ type: "cancel", actor: ACTOR, reason: "" });
    expect(run.state.end).toBeUndefined();
    run.input({ type: "lease.queued", fence: 1, ahead: 0, reason: "all_busy" });
    expect(run.state.end).toMatchObject({ state: "canceled", confirmed: true });
  });

  it("stops a step that ran out of time and says so", () => {
    const run = new Run([command("a"), command("b")]).granted().started("a");
    run.asked();
    expect(run.at(1_000 + 60_000).map((event) => event.type)).toEqual(["step.stopping"]);
    expect(run.asked()).toEqual(["step.cancel"]);
    run.finished("a", { type: "stopped", reason: "timed_out", confirmed: true });
    expect(run.state.end?.state).toBe("timed_out");
  });
});

describe("[G6] any order of what can happen", () => {
  /** A small seeded generator (mulberry32), so a failing seed can be named. */
  function random(seed: number): () => number {
    let a = seed;
    return () => {
      a = (a + 0x6d2b79f5) | 0;
      let t = Math.imul(a ^ (a >>> 15), 1 | a);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  it("ends exactly once, always has a deadline before, and folds to its state: 10,000 interleavings", () => {
    for (let seed = 1; seed <= 10_000; seed++) {
      const roll = random(seed);
      const pick = <T>(items: readonly T[]): T => items[Math.floor(roll() * items.length)] as T;
      const run = new Run([command("a"), command("b"), command("c")]);
      const inputs: (() => unknown)[] = [
        () => run.granted(pick([1, 2, run.state.leases.length])),
        () =>
          run.input({ type: "lease.queued", fence: run.state.leases.length, ahead: 0, reason: "all_busy" }),
        () =>
          run.input({
            type: "lease.failed",
            fence: run.state.leases.length,
            reason: "x",
            retry: roll() < 0.8,
          }),
        () => run.input({ type: "lease.lost", fence: pick([1, 2]), reason: "x" }),
        () =>
          run.input({
            type: "agent.connected",
            fence: run.state.leases.length,
            attempts: roll() < 0.5 ? [] : [{ step: "a", attempt: 1 }],
          }),
        () => run.input({ type: "agent.disconnected", fence: run.state.leases.length, reason: "x" }),
        () => run.started(pick(["a", "b", "c"]), run.state.leases.length),
        () => run.exited(pick(["a", "b", "c"]), pick([0, 0, 0, 1]), run.state.leases.length),
        () =>
          run.finished(
            pick(["a", "b"]),
            { type: "stopped", reason: "canceled", confirmed: roll() < 0.5 },
            pick([1, 2]),
          ),
        () => roll() < 0.1 && run.input({ type: "cancel", actor: ACTOR, reason: "" }),
        () => run.at(run.now + Math.floor(roll() * 40_000)),
      ];
      for (let i = 0; i < 60; i++) {
        pick(inputs)();
        if (!run.state.end) expect(deadlineOf(run.state), `seed ${seed}`).toBeDefined();
      }
      while (!run.state.end) run.at(Math.max(run.now + 1, deadlineOf(run.state)?.at ?? Number.NaN));
      const ends = run.types().filter((type) => type === "execution.finished");
      expect(ends, `seed ${seed}`).toHaveLength(1);
      const again = fold(planOf([command("a"), command("b"), command("c")]), run.log);
      expect([...again.steps.values()], `seed ${seed}`).toEqual([...run.state.steps.values()]);
    }
  });
});
