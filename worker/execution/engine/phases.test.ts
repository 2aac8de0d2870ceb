/** Undoing and `finally`, together with everything else that people and time do to an execution. */
import { describe, expect, it } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import { STEPS_MAX, WAIT_MAX_MS } from "#protocol/limits.ts";
import { deadlineOf } from "./deadlines.ts";
import { ACTOR, command, Run } from "./testRun.ts";

const cancel = { type: "cancel", actor: ACTOR, reason: "", force: false } as const;
const pause = { type: "pause", actor: ACTOR, reason: "lunch" } as const;
const TWICE = { retry: { maxAttempts: 2, delayMs: 1_000 } };

/** Fails at once, with something to undo. */
function undoing(): Run {
  const undo = command("undo", TWICE);
  const run = new Run([command("a", { compensate: undo }), command("b")]).granted();
  return run.started("a").exited("a") && run;
}

const ITEMS = { parameters: { items: "x,".repeat(250) } };

/** So many blocks for each of 251 items. */
function many(blocks: number): Block {
  return {
    kind: "foreach",
    id: "many",
    items: "params.items.split(',')",
    blocks: Array.from({ length: blocks }, (_, n) => ({ kind: "instruction", id: `i${n}`, markdown: "x" })),
  };
}

describe("an execution with as many steps as it may have", () => {
  it("[G5] still undoes and cleans up, and ends", () => {
    const first = command("a", { compensate: command("undo") });
    const clean: Block = { kind: "condition", id: "last", if: "true", then: [command("clean")] };
    const run = new Run([first, many(25)], { finally: [clean], ...ITEMS }).granted();
    run.started("a").exited("a");
    expect(run.state.steps.size).toBeGreaterThanOrEqual(STEPS_MAX);
    expect(run.step("many").detail).toContain(`at most ${STEPS_MAX}`);
    run.started("undo").exited("undo");
    run.started("clean").exited("clean");
    expect(run.state.end?.state).toBe("failed");
  });

  it("has no end of steps in `finally` either", () => {
    const run = new Run([command("a")], { finally: [many(25)], ...ITEMS }).granted();
    run.started("a").exited("a");
    expect(run.state.end?.detail).toContain(`at most ${STEPS_MAX}`);
  });
});

describe("an execution that never had its locks", () => {
  const plan = { locks: [{ name: "db" }], finally: [command("clean")], timeoutMs: 60_000 };

  it("runs nothing when it is canceled, not even `finally`", () => {
    const run = new Run([command("a")], plan);
    run.input({ type: "locks.queued", step: "", ahead: 1, holder: "exe_9" });
    run.input(cancel);
    expect(run.state.end?.state).toBe("canceled");
    expect(run.states()).toEqual({});
  });

  it("runs nothing when its time is over", () => {
    const run = new Run([command("a")], plan);
    run.at(1_000 + 60_000);
    expect(run.state.end?.state).toBe("timed_out");
    expect(run.states()).toEqual({});
  });

  it("runs nothing when it was paused as well", () => {
    const run = new Run([command("a")], plan);
    run.input(pause);
    run.input(cancel);
    expect(run.state.end?.state).toBe("canceled");
    expect(run.states()).toEqual({});
  });
});

describe("a pause while it is undone or cleaned up", () => {
  it("[G5] is over with a cancel, and what waited for its end goes on", () => {
    const run = undoing();
    run.input(pause);
    run.started("b").exited("b", 1);
    expect(run.step("undo").wait?.for).toBe("resume");
    run.input(cancel);
    expect(run.step("undo").state).toBe("dispatched");
  });

  it("[G5] that nobody ends goes on by itself in the end, and leaves nothing undone", () => {
    const run = undoing();
    run.input(pause);
    run.started("b").exited("b", 1);
    run.at(1_000 + WAIT_MAX_MS);
    expect(run.state.paused).toBeUndefined();
    expect(run.step("undo").state).toBe("dispatched");
  });
});

describe("a pause between two attempts", () => {
  it("does not ask again whether the step is wanted", () => {
    const run = new Run([command("a", { ...TWICE, when: "steps.a.attempt == 0" })]).granted();
    run.started("a").exited("a", 1);
    run.input(pause);
    run.at(run.now + 1_000);
    expect(run.step("a").wait?.for).toBe("resume");
    run.input({ type: "resume", actor: ACTOR });
    expect(run.step("a").state).toBe("dispatched");
  });
});

describe("a retry while it is undone or cleaned up", () => {
  it("counts after a cancel", () => {
    const run = undoing();
    run.started("b").exited("b", 1);
    run.input(cancel);
    run.started("undo").exited("undo", 1);
    expect(run.step("undo").wait?.for).toBe("retry");
    run.at(run.now + 1_000);
    run.started("undo").exited("undo");
    expect(run.state.end?.state).toBe("failed");
  });

  it("counts in `finally` after a cancel and after a timeout", () => {
    const plan = { finally: [command("clean", TWICE)], timeoutMs: 30_000 };
    for (const stop of [(run: Run) => run.input(cancel), (run: Run) => run.at(31_000)]) {
      const run = new Run([command("a")], plan).granted().started("a");
      stop(run);
      run.finished("a", { type: "stopped", reason: "canceled", confirmed: true });
      run.started("clean").exited("clean", 1);
      expect(run.step("clean").wait?.for).toBe("retry");
    }
  });

  it("does not count within a step whose time is over", () => {
    const step = command("clean", { ...TWICE, timeoutMs: 60_000 });
    const around: Block = { kind: "parallel", id: "last", timeoutMs: 5_000, branches: [[step]] };
    const run = new Run([command("a")], { finally: [around] }).granted();
    run.started("a").exited("a");
    run.started("clean").at(run.now + 5_000);
    run.finished("clean", { type: "stopped", reason: "timed_out", confirmed: true });
    expect(run.step("clean").state).toBe("timed_out");
    expect(run.state.end).toBeDefined();
  });
});

describe("a step of `finally` whose time is over", () => {
  it("begins nothing more of what is in it", () => {
    const inside = [command("one", { onFailure: "continue" }), command("two")];
    const around: Block = { kind: "parallel", id: "last", timeoutMs: 5_000, branches: [inside] };
    const run = new Run([command("a")], { finally: [around] }).granted();
    run.started("a").exited("a");
    run.started("one").at(run.now + 5_000);
    run.finished("one", { type: "stopped", reason: "timed_out", confirmed: true });
    expect(run.states()).toMatchObject({ one: "timed_out", two: "skipped", last: "timed_out" });
  });
});

describe("a phase that does not come to its end", () => {
  it("[G5] is given up in the end", () => {
    const ask: Block = { kind: "approval", id: "ask", expiresMs: WAIT_MAX_MS };
    const more: Block = { kind: "approval", id: "more", expiresMs: WAIT_MAX_MS };
    const run = new Run([command("a")], { finally: [{ ...ask, onExpiry: "approve" }, more] }).granted();
    run.started("a").exited("a");
    for (let count = 0; count < 5 && !run.state.end; count++) run.at(deadlineOf(run.state)?.at ?? 0);
    expect(run.now).toBeLessThanOrEqual(1_000 + WAIT_MAX_MS);
    expect(run.state.end).toMatchObject({ state: "timed_out", detail: expect.stringContaining("30 days") });
  });
});
