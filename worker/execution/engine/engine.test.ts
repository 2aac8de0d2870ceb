import { describe, expect, it } from "vitest";
import {
  CANCEL_GRACE_MS,
  COMMAND_RESEND_MS,
  HEARTBEAT_TIMEOUT_MS,
  LEASE_DISCONNECT_MS,
  QUEUE_WAIT_DEFAULT_MS,
} from "#protocol/limits.ts";
import { CONFIRM_MARGIN_MS, deadlineOf } from "./deadlines.ts";
import { engine, isRecorded } from "./engine.ts";
import { fold } from "./fold.ts";
import { ACTOR, command, comparable, planOf, Run } from "./testRun.ts";
import { unanswered } from "./unanswered.ts";

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
    expect(comparable(again)).toEqual(comparable(run.state));
  });

  it("does not change the state it is given", () => {
    const run = new Run([command("a")]).granted();
    const before = structuredClone([...run.state.steps.values()]);
    engine(
      run.state,
      { type: "step.started", step: "a", attempt: 1, fence: 1, pid: 1, agentTime: 0 },
      run.moment(),
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
    tired.at(1_000 + QUEUE_WAIT_DEFAULT_MS);
    expect(tired.state.end).toMatchObject({
      state: "timed_out",
      detail: expect.stringContaining("no agent was found in time"),
    });
  });

  it("[LS1] asks again under a higher fence when an offer came to nothing", () => {
    const run = new Run([command("a")]).granted();
    run.input({ type: "lease.failed", fence: 1, reason: "draining", retry: true });
    expect(run.step("a")).toMatchObject({ state: "dispatched", fence: 2, attempt: 1 });
    expect([...run.state.leases.values()].map((lease) => lease.fence)).toEqual([1, 2]);
  });

  it("fails the step when no agent would take it", () => {
    const run = new Run([command("a")]);
    run.input({ type: "lease.failed", fence: 1, reason: "the plan's digest does not match", retry: false });
    expect(run.state.end).toMatchObject({ state: "failed", detail: expect.stringContaining("digest") });
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

  it("[G2] spends no attempt on an agent that was silent until it must have ended the last one: it waits for it", () => {
    const again = { idempotent: true, retry: { maxAttempts: 2, on: ["unknown" as const] } };
    const run = new Run([command("a", { onDisconnect: "stop", timeoutMs: 3_600_000, ...again })])
      .granted()
      .started("a");
    run.input({ type: "agent.disconnected", fence: 1, reason: "silent" });
    run.at(1_000 + LEASE_DISCONNECT_MS + CANCEL_GRACE_MS + CONFIRM_MARGIN_MS - 1);
    run.asked();
    run.at(run.now + 1);
    expect(run.asked()).toEqual(["lease.release"]);
    run.at(run.now + 1_000);
    expect(run.asked()).toEqual(["lease.request"]);
    run.granted(2).started("a", 2);
    // What it still tells of the first attempt is told too late.
    const late = { type: "stopped", reason: "disconnected", confirmed: true } as const;
    expect(run.finished("a", late, 1).map(({ type }) => type)).toEqual(["step.late"]);
    run.exited("a", 0, 2);
    expect(run.state.end?.state).toBe("succeeded");
  });

  it("keeps an agent that is silent for as long as another of its steps may still run there", () => {
    const again = { idempotent: true, retry: { maxAttempts: 2, on: ["unknown" as const] } };
    const stops = command("a", { onDisconnect: "stop", ...again });
    const run = new Run([{ kind: "parallel", id: "both", branches: [[stops], [command("b")]] }]).granted();
    run.started("a").started("b");
    run.input({ type: "agent.disconnected", fence: 1, reason: "silent" });
    run.asked();
    run.at(1_000 + LEASE_DISCONNECT_MS + CANCEL_GRACE_MS + CONFIRM_MARGIN_MS);
    expect(run.step("a").wait?.for).toBe("retry");
    expect(run.asked()).toEqual([]);
  });

  it("calls a step unreachable when its agent took it and said nothing", () => {
    const run = new Run([command("a")]).granted();
    run.at(1_000 + HEARTBEAT_TIMEOUT_MS);
    expect(run.step("a").state).toBe("unreachable");
  });

  it("[CM1] takes an agent that is back as heard of, and gives it time for the step that it is sent again", () => {
    const run = new Run([command("a", { timeoutMs: 600_000 })]).granted();
    run.at(1_000 + HEARTBEAT_TIMEOUT_MS);
    const back = run.now + 10_000;
    run.now = back;
    run.asked();
    run.input({ type: "agent.connected", fence: 1, attempts: [] });
    expect(run.asked()).toEqual(["step.start"]);
    run.at(back + COMMAND_RESEND_MS);
    expect(run.step("a").state).toBe("dispatched");
    expect(unanswered(run.state)).toMatchObject([{ type: "step.start", step: "a" }]);
    run.at(back + HEARTBEAT_TIMEOUT_MS);
    expect(run.step("a").state).toBe("unreachable");
    // Out of reach it is still sent again: its agent may have lost nothing but that one frame.
    expect(unanswered(run.state)).toMatchObject([{ type: "step.start", step: "a" }]);
    run.started("a");
    expect(run.types().filter((type) => type === "step.unreachable")).toHaveLength(2);
    expect(run.step("a").state).toBe("running");
  });

  it("[ST2] reports as unknown what an agent came back without", () => {
    const run = new Run([command("a"), command("b")]).granted().started("a");
    run.input({ type: "agent.connected", fence: 1, attempts: [] });
    expect(run.step("a").state).toBe("unknown");
    expect(run.step("b").state).toBe("skipped");

    const lost = new Run([command("a")]).granted().started("a");
    lost.input({ type: "lease.lost", fence: 1, reason: "revoked", mayRun: false, isRevoked: false });
    expect(lost.state.end).toMatchObject({ state: "failed", confirmed: false });
  });

  it("[G5] a step of an agent that is gone for good is not tried again, and says why", () => {
    const retry = { maxAttempts: 3, delayMs: 1_000, on: ["unknown" as const] };
    const run = new Run([command("a", { idempotent: true, retry })]).granted().started("a");
    run.input({ type: "lease.lost", fence: 1, reason: "it was revoked", mayRun: true, isRevoked: true });
    expect(run.step("a")).toMatchObject({
      ...{ state: "unknown", attempt: 1 },
      detail: "it was revoked; it is not tried again, which only that agent could do",
    });
    expect(run.state.end).toMatchObject({ state: "failed" });
  });

  it("[G5] all that waits for an agent that nobody will ever be fails with it", () => {
    const branches = [[command("a")], [command("b")]];
    const run = new Run([{ kind: "parallel", id: "both", branches }]);
    run.input({ type: "lease.queued", fence: 1, ahead: 0, reason: "no_agent_connected" });
    run.input({ type: "lease.failed", fence: 1, reason: "it was revoked", retry: false });
    expect(run.step("a")).toMatchObject({ state: "failed", detail: "it was revoked" });
    expect(run.state.leases.size).toBe(1);
    expect(run.state.end).toMatchObject({ state: "failed" });
  });
});

describe("stopping", () => {
  it("[CX1] stops the running step and ends as canceled when that is confirmed", () => {
    const run = new Run([command("a"), command("b")]).granted().started("a");
    run.asked();
    run.input({ type: "cancel", actor: ACTOR, reason: "wrong host", force: false });
    expect(run.asked()).toEqual(["step.cancel"]);
    expect(run.input({ type: "cancel", actor: ACTOR, reason: "again", force: false })).toEqual([]);
    run.finished("a", { type: "stopped", reason: "canceled", confirmed: true });
    expect(run.step("a").state).toBe("canceled");
    expect(run.state.end).toMatchObject({ state: "canceled", confirmed: true, detail: "wrong host" });
  });

  it("[CX2] ends as canceled and not confirmed when the agent does not answer", () => {
    const run = new Run([command("a")]).granted().started("a");
    run.input({ type: "agent.disconnected", fence: 1, reason: "reset" });
    run.input({ type: "cancel", actor: ACTOR, reason: "", force: false });
    run.at(1_000 + CANCEL_GRACE_MS + CONFIRM_MARGIN_MS);
    expect(run.state.end).toMatchObject({ state: "canceled", confirmed: false });
  });

  it("cancels what waits in the queue at once", () => {
    const run = new Run([command("a")]);
    run.input({ type: "lease.queued", fence: 1, ahead: 0, reason: "all_busy" });
    run.asked();
    run.input({ type: "cancel", actor: ACTOR, reason: "", force: false });
    expect(run.state.end).toMatchObject({ state: "canceled", confirmed: true });
    expect(run.asked()).toEqual(["lease.release", "project"]);
  });

  it("cancels what was asked of the pool and turned out to be queued", () => {
    const run = new Run([command("a")]);
    run.input({ type: "cancel", actor: ACTOR, reason: "", force: false });
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
        () => run.granted(pick([1, 2, run.state.leases.size])),
        () => run.input({ type: "lease.queued", fence: run.state.leases.size, ahead: 0, reason: "all_busy" }),
        () =>
          run.input({
            type: "lease.failed",
            fence: run.state.leases.size,
            reason: "x",
            retry: roll() < 0.8,
          }),
        () =>
          run.input({
            type: "lease.lost",
            fence: pick([1, 2]),
            reason: "x",
            mayRun: false,
            isRevoked: false,
          }),
        () =>
          run.input({
            type: "agent.connected",
            fence: run.state.leases.size,
            attempts: roll() < 0.5 ? [] : [{ step: "a", attempt: 1 }],
          }),
        () => run.input({ type: "agent.disconnected", fence: run.state.leases.size, reason: "x" }),
        () => run.started(pick(["a", "b", "c"]), run.state.leases.size),
        () => run.exited(pick(["a", "b", "c"]), pick([0, 0, 0, 1]), run.state.leases.size),
        () =>
          run.finished(
            pick(["a", "b"]),
            { type: "stopped", reason: "canceled", confirmed: roll() < 0.5 },
            pick([1, 2]),
          ),
        () => roll() < 0.1 && run.input({ type: "cancel", actor: ACTOR, reason: "", force: false }),
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
      expect(comparable(again), `seed ${seed}`).toEqual(comparable(run.state));
    }
  }, 60_000);
});
