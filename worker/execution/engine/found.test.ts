import { describe, expect, it } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import { fold } from "./fold.ts";
import { ACTOR, command, comparable, planOf, Run, takenOver } from "./testRun.ts";

/** What the simulation has found, each as the smallest run that showed it. */

const cancel = { type: "cancel", actor: ACTOR, reason: "stop", force: false } as const;
const force = { ...cancel, force: true };
const nap = (id: string): Block => ({ kind: "timer", id, durationMs: 60_000 });
const everywhere = { mode: "all" } as const;
const TWO = [
  { agentId: "agt_1", agentName: "agent-1" },
  { agentId: "agt_2", agentName: "agent-2" },
];

/** A step on two agents that has succeeded on both, after which another one fails. */
function undoneOnTwo(undo: ReturnType<typeof command>): Run {
  const run = new Run([command("a", { target: everywhere, compensate: undo }), command("b")]);
  run.input({ type: "targets.resolved", step: "a", agents: TWO });
  run.granted(1, "agt_1").granted(2, "agt_2");
  for (const path of ["a~0", "a~1"]) run.started(path).exited(path);
  run.granted(3).started("b").exited("b", 1);
  return run;
}

describe("cancel by force", () => {
  const locked = command("a", { locks: [{ name: "db" }] });

  it("[G6] ends what is inside a step before the step, and calls what had begun canceled", () => {
    const run = new Run([{ kind: "foreach", id: "each", items: "[1, 2]", blocks: [nap("a"), nap("b")] }]);
    run.input(force);
    expect(run.states()).toEqual({ each: "canceled", "a~0": "canceled", "b~0": "skipped" });
    expect(run.step("each").lists).toMatchObject({ started: 1, ended: 1 });
  });

  it("gives back the locks of steps as well", () => {
    const run = new Run([locked]);
    run.asked();
    run.input(force);
    expect(run.asked()).toEqual(["locks.release", "project"]);
    expect(run.step("a").locks).toBeUndefined();
  });

  it("[G6] records no lock that is granted after the end", () => {
    const run = new Run([locked]);
    run.input(force);
    expect(run.input({ type: "locks.granted", step: "a", fences: { db: 1 } })).toEqual([]);
  });
});

describe("stopping", () => {
  it("[CX1] does not begin a step on an agent that comes back without it only to stop it", () => {
    const run = new Run([command("a")]).granted();
    run.input(cancel);
    run.asked();
    run.input({ type: "agent.connected", fence: 1, attempts: [] });
    expect(run.asked()).toEqual(["step.cancel"]);
  });

  it("begins nothing more of the blocks when a step's time and the execution's are over at once", () => {
    const first: Block = { kind: "approval", id: "ask", onFailure: "continue", expiresMs: 60_000 };
    const run = new Run([first, command("b")], { timeoutMs: 60_000, finally: [nap("clean")] });
    run.at(100_000);
    expect(run.states()).toEqual({ ask: "timed_out", b: "skipped", clean: "waiting" });
    run.at(200_000);
    expect(run.state.end?.state).toBe("timed_out");
  });

  it.each([
    ["a cancel", (run: Run) => run.input(cancel)],
    ["the end of its time", (run: Run) => run.at(61_000)],
  ])("cleans up after %s in a pause", (_, stop) => {
    const run = new Run([nap("a")], { timeoutMs: 60_000, finally: [command("clean")] });
    run.input({ type: "pause", actor: ACTOR, reason: "" });
    stop(run);
    expect(run.step("clean").state).toBe("dispatched");
    expect(comparable(fold(run.state.plan, run.log))).toEqual(comparable(run.state));
  });
});

describe("what nobody knows", () => {
  it("[CX2] is not confirmed by a cancel between an attempt that was lost and the next", () => {
    const run = new Run([command("a", { idempotent: true, retry: { maxAttempts: 2, on: ["unknown"] } })]);
    run.granted().started("a");
    run.input({ type: "lease.lost", fence: 1, reason: "revoked", mayRun: false, isRevoked: false });
    expect(run.step("a").wait?.for).toBe("retry");
    run.input(cancel);
    expect(run.state.end).toMatchObject({ state: "canceled", confirmed: false });
  });

  it("[CX2] stays unconfirmed when an attempt that could not be ended is followed by one that succeeds", () => {
    const retry = { maxAttempts: 2, delayMs: 0, on: ["timed_out" as const] };
    const run = new Run([command("a", { idempotent: true, retry })]).granted().started("a");
    run.finished("a", { type: "stopped", reason: "timed_out", confirmed: false });
    run.at(2_000);
    run.started("a").exited("a");
    expect(run.state.end).toMatchObject({ state: "succeeded", confirmed: false });
  });

  it("[G2] is tried again on the agent that may have begun it, and on no other", () => {
    const retry = { maxAttempts: 2, delayMs: 90_000, on: ["unknown" as const] };
    const run = new Run([command("a", { idempotent: true, retry })]).granted();
    run.at(46_000);
    run.at(90_000);
    expect(run.step("a").wait?.for).toBe("retry");
    expect(run.state.openLeases.size).toBe(0);
    run.at(300_000);
    expect(run.state.leases.get(2)?.wantedAgentId).toBe("agt_1");
  });
});

describe("undoing", () => {
  it("undoes a step on many agents on each of them, the last first", () => {
    const run = undoneOnTwo(command("undo"));
    expect(run.state.phase?.steps).toEqual(["undo~1", "undo~0"]);
    expect(run.step("undo~1").state).toBe("dispatched");
    expect([...run.state.leases.values()].at(-1)?.wantedAgentId).toBe("agt_2");
    run.granted(4, "agt_2").started("undo~1").exited("undo~1");
    run.granted(5, "agt_1").started("undo~0").exited("undo~0");
    expect(run.state.end?.detail).toContain("undone: 2 steps");
  });

  it("goes through all agents of a compensation that runs on many, too", () => {
    const undo = command("undo", { target: everywhere });
    const run = new Run([command("a", { compensate: undo }), command("b")]).granted();
    run.started("a").exited("a");
    run.started("b").exited("b", 1);
    run.input({ type: "targets.resolved", step: "undo", agents: TWO });
    run.granted(2, "agt_1").granted(3, "agt_2");
    for (const path of ["undo~0", "undo~1"]) run.started(path).exited(path);
    expect(run.state.end?.detail).toContain("undone: 1 steps");
  });

  it("knows the item of what it undoes", () => {
    const undo = command("undo", { env: { HOST: { expr: "item" } } });
    const block = command("a", { compensate: undo });
    const run = new Run([
      { kind: "foreach", id: "each", items: "['x', 'y']", blocks: [block] },
      command("b"),
    ]);
    run.granted();
    for (const path of ["a~0", "a~1"]) run.started(path).exited(path);
    run.started("b").exited("b", 1);
    expect(run.step("undo~1").inputs).toEqual({ "env/HOST": "y" });
  });

  it("leaves alone what ran on many agents in an earlier execution: nobody knows on which", () => {
    const blocks = [command("a", { target: everywhere, compensate: command("undo") }), command("b")];
    const run = new Run(blocks, {}, takenOver({ reused: { a: {} } })).granted();
    run.started("b").exited("b", 1);
    expect(run.state.end?.state).toBe("failed");
    expect(fold(planOf(blocks), run.log).undoable).toEqual([]);
  });
});
