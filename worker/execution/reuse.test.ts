import { describe, expect, it } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import { ACTOR, command, Run } from "./engine/testRun.ts";
import { takeOver } from "./reuse.ts";

const failed = { mode: "failed" } as const;
const exit = (run: Run, path: string, code = 0, values?: Record<string, string>) =>
  run.started(path).exited(path, code, undefined, values);

describe("what a retry takes over", () => {
  it("is the values of every step that succeeded, or of those before a block, or nothing", () => {
    const run = new Run([command("a"), command("b", { onFailure: "continue" }), command("c"), command("d")]);
    run.granted();
    exit(run, "a", 0, { x: "1" });
    exit(run, "b", 1);
    exit(run, "c");
    exit(run, "d", 1);
    expect(run.state.end?.state).toBe("failed");
    expect(takeOver(run.state, failed).reused).toEqual({ a: { x: "1" }, c: {} });
    expect(takeOver(run.state, { mode: "step", step: "c" }).reused).toEqual({ a: { x: "1" } });
    expect(takeOver(run.state, { mode: "step", step: "a" }).reused).toEqual({});
    expect(takeOver(run.state, { mode: "all" })).toEqual({ reused: {}, expanded: {}, doneOn: {} });
  });

  it("from a block on has what failed before it and was tolerated, so that it does not run again", () => {
    const each: Block = {
      ...{ kind: "foreach", id: "each", items: "['x', 'y']", maxFailures: 1, concurrency: 1 },
      blocks: [command("do")],
    };
    const blocks = [command("a", { onFailure: "continue" }), each, command("b"), command("c")];
    const run = new Run(blocks);
    run.granted();
    exit(run, "a", 3, { x: "1" });
    exit(run, "do~0", 1);
    exit(run, "do~1");
    exit(run, "b", 1);
    const again = new Run(blocks, {}, { taken: takeOver(run.state, { mode: "step", step: "b" }) });
    expect(again.states()).toMatchObject({ a: "failed", "do~0": "failed", "do~1": "succeeded" });
    expect(again.states()).toMatchObject({ each: "succeeded", b: "dispatched" });
    expect(again.step("a")).toMatchObject({ values: { x: "1" }, reused: true, detail: "exit code 3" });
    const third = takeOver(again.state, { mode: "step", step: "c" });
    expect(Object.keys(third.passed ?? {})).toEqual(["a", "do~0"]);
    const failedOnes = new Run(blocks, {}, { taken: takeOver(run.state, failed) });
    expect(failedOnes.states()).toEqual({ a: "dispatched", each: "pending", b: "pending", c: "pending" });
  });

  it("has no step that was undone, and no compensation", () => {
    const run = new Run([command("a", { compensate: command("undo-a") }), command("b"), command("c")]);
    run.granted();
    for (const path of ["a", "b"]) exit(run, path);
    exit(run, "c", 1);
    exit(run, "undo-a");
    expect(run.state.end?.detail).toContain("undone");
    expect(takeOver(run.state, failed).reused).toEqual({ b: {} });
  });

  it("has a step with a compensation that never ran, and the retry undoes it when it fails", () => {
    const blocks = [command("a", { compensate: command("undo-a") }), command("b")];
    const run = new Run(blocks);
    run.granted();
    exit(run, "a");
    run.input({ type: "cancel", actor: ACTOR, reason: "", force: true });
    const taken = takeOver(run.state, failed);
    expect(taken.reused).toEqual({ a: {} });
    const again = new Run(blocks, {}, { taken });
    again.granted();
    exit(again, "b", 1);
    expect(again.states()).toMatchObject({ a: "succeeded", b: "failed", "undo-a": "dispatched" });
  });

  it("is undone on the agent where it was done, also after a second retry, whoever does the rest", () => {
    const blocks = [command("a", { compensate: command("undo-a") }), command("b")];
    const run = new Run(blocks);
    run.granted(1, "agt_1");
    exit(run, "a");
    run.input({ type: "cancel", actor: ACTOR, reason: "", force: true });
    const second = new Run(blocks, {}, { taken: takeOver(run.state, failed) });
    second.granted(1, "agt_2").started("b");
    second.input({ type: "cancel", actor: ACTOR, reason: "", force: true });
    const third = new Run(blocks, {}, { taken: takeOver(second.state, failed) });
    third.granted(1, "agt_3");
    exit(third, "b", 1);
    expect(third.state.leases.get(third.step("undo-a").fence ?? 0)).toMatchObject({ wantedAgentId: "agt_1" });
    third.granted(2, "agt_1");
    exit(third, "undo-a");
    expect(third.state.end).toMatchObject({ state: "failed" });
    expect(third.states()).toMatchObject({ "undo-a": "succeeded" });
  });

  it("has no approval, which is for one plan, and nothing of `finally`", () => {
    const run = new Run([{ kind: "approval", id: "ok" }, command("a")], { finally: [command("last")] });
    const person = { actor: { type: "user", id: "usr_2", name: "Bo" }, names: [], roles: [] } as const;
    run.input({ type: "answer", step: "ok", answer: "approve", person, planDigest: "digest" });
    run.granted();
    exit(run, "a", 1);
    exit(run, "last");
    expect(run.state.end?.state).toBe("failed");
    expect(run.step("ok").state).toBe("succeeded");
    expect(takeOver(run.state, failed).reused).toEqual({});
  });

  it("looks into steps with others inside, which begin again themselves", () => {
    const blocks: Block[] = [
      { kind: "condition", id: "if", if: "true", then: [command("a"), command("b")] },
      { kind: "parallel", id: "side", branches: [[command("c")], [command("d")]] },
    ];
    const run = new Run(blocks);
    run.granted();
    exit(run, "a", 0, { x: "1" });
    exit(run, "b", 1);
    expect(takeOver(run.state, failed)).toEqual({ reused: { a: { x: "1" } }, expanded: {}, doneOn: {} });
    const again = new Run(blocks, {}, { taken: takeOver(run.state, failed) });
    expect(again.states()).toMatchObject({ if: "running", a: "succeeded", b: "dispatched" });
  });

  it("has the rounds of a foreach that succeeded, with their items", () => {
    const each: Block = { kind: "foreach", id: "each", items: "['a', 'b']", blocks: [command("do")] };
    const run = new Run([each]);
    run.granted();
    exit(run, "do~0");
    exit(run, "do~1", 1);
    expect(takeOver(run.state, failed)).toEqual({
      reused: { "do~0": {} },
      expanded: { each: { type: "items", items: ["a", "b"] } },
      doneOn: {},
    });
  });

  it("has nothing of a foreach whose list may be another one now", () => {
    const each: Block = {
      kind: "foreach",
      id: "each",
      items: "steps.list.state == 'failed' ? ['a', 'b'] : ['c']",
      blocks: [command("do")],
    };
    const run = new Run([command("list", { onFailure: "continue" }), each]);
    run.granted();
    exit(run, "list", 1);
    exit(run, "do~0");
    exit(run, "do~1", 1);
    expect(takeOver(run.state, failed)).toEqual({ reused: {}, expanded: {}, doneOn: {} });
  });

  it("has the agents of a step on many, and those on which it succeeded", () => {
    const run = new Run([command("all", { target: { mode: "all" } })]);
    const agents = [
      { agentId: "agt_1", agentName: "one" },
      { agentId: "agt_2", agentName: "two" },
    ];
    run.input({ type: "targets.resolved", step: "all", agents });
    run.granted(1, "agt_1").granted(2, "agt_2");
    exit(run, "all~0");
    exit(run, "all~1", 1);
    expect(run.state.end?.state).toBe("failed");
    expect(takeOver(run.state, failed)).toEqual({
      reused: { "all~0": {} },
      expanded: { all: { type: "agents", agents } },
      doneOn: {},
    });
  });
});
