import { describe, expect, it } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import { executionEventSchema } from "#protocol/events.ts";
import { HELD_MAX_BYTES, INPUTS_MAX_BYTES, PARAMETER_VALUE_MAX_BYTES } from "#protocol/limits.ts";
import { engine } from "./engine.ts";
import { command, Run } from "./testRun.ts";

const p = "x".repeat(PARAMETER_VALUE_MAX_BYTES);
const times = (count: number) => Array(count).fill("params.p").join(" + ");

/** What is stored has to be readable: the same schema, after its way through JSON. */
function unreadable(run: Run): string[] {
  return run.log
    .filter(({ event }) => !executionEventSchema.safeParse(JSON.parse(JSON.stringify(event))).success)
    .map(({ event }) => event.type);
}

describe("what expressions of a block come to", () => {
  const blocks = (text: string): Record<string, Block> => ({
    command: command("a", { env: { B: { expr: text } } }),
    "api at the edge": {
      kind: "api",
      id: "a",
      method: "POST",
      url: "https://x.test",
      from: "edge",
      body: { expr: text },
    },
    runbook: { kind: "runbook", id: "a", runbook: "other", parameters: { q: { expr: text } } },
  });

  it.each(Object.entries(blocks(times(9))))(
    "[G5][G11] of a %s is refused in words over its limit",
    (_, block) => {
      const run = new Run([block], { parameters: { p } });
      expect(unreadable(run)).toEqual([]);
      expect(run.step("a")).toMatchObject({ state: "failed" });
      expect(run.step("a").detail).toMatch(/is over 256 KiB/);
      expect(run.state.end?.state).toBe("failed");
    },
  );

  it("[G5] is refused in words when it is too much together", () => {
    const env = Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`B${at}`, { expr: times(7) }]));
    const run = new Run([command("a", { env })], { parameters: { p } });
    expect(run.step("a").state).toBe("failed");
    expect(run.step("a").detail).toContain(`over ${INPUTS_MAX_BYTES / 1024} KiB together`);
  });

  it("goes through up to the limit", () => {
    const run = new Run([command("a", { env: { B: { expr: times(7) } } })], { parameters: { p } });
    expect(run.step("a").state).toBe("dispatched");
    expect(unreadable(run)).toEqual([]);
  });
});

describe("what could not be read back", () => {
  it("[G5][G6] ends the step that reported it, and the execution goes on", () => {
    const run = new Run([
      command("a", { onFailure: "continue" }),
      { kind: "instruction", id: "b", markdown: "B" },
    ]);
    run.granted().started("a").finished("a", { type: "exited", exitCode: 1_000 });
    expect(unreadable(run)).toEqual([]);
    expect(run.step("a")).toMatchObject({ state: "unknown" });
    expect(run.step("a").detail).toMatch(/cannot be stored/);
    expect(run.state.end?.state).toBe("succeeded");
  });

  it("[G5] ends the step also when it is too large for one row", () => {
    const run = new Run([{ kind: "foreach", id: "a", target: { mode: "all" }, blocks: [command("b")] }]);
    const labels = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`l${at}`, "x".repeat(200)]));
    const agents = Array.from({ length: 1_000 }, (_, at) => ({
      agentId: `agt_${at}`,
      agentName: `a${at}`,
      labels,
    }));
    run.input({ type: "targets.resolved", step: "a", agents });
    expect(run.step("a").detail).toMatch(/cannot be stored/);
    expect(run.state.end?.state).toBe("failed");
  });

  it("[G5] ends the execution when it belongs to no step, and leaves the state that it began from alone", () => {
    const run = new Run([command("a")]);
    run.granted().started("a");
    const before = JSON.stringify([...run.state.steps.values()]);
    const input = {
      type: "pause",
      actor: { type: "system", name: "x".repeat(3_000_000) },
      reason: "",
    } as const;
    const decision = engine(run.state, input, run.moment());
    expect(JSON.stringify([...run.state.steps.values()])).toBe(before);
    expect(decision.events.at(-1)).toMatchObject({
      type: "execution.finished",
      state: "failed",
      confirmed: false,
    });
    expect(decision.effects.map(({ type }) => type)).toContain("lease.release");
  });

  it("[G5] ends an execution whose log was found damaged", () => {
    const run = new Run([command("a")]);
    run.granted().started("a");
    run.input({ type: "damaged", detail: "its log holds what cannot be read" });
    expect(run.state.end).toMatchObject({ state: "failed", detail: "its log holds what cannot be read" });
    expect(run.asked()).toContain("lease.release");
  });
});

describe("what the steps of one execution hold together", () => {
  const hosts = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ agentId: `agt_${at}`, agentName: `a${at}` }));

  it("[G11] is bounded: the step that hands on too much fails in words, and keeps nothing of it", () => {
    const run = new Run([command("a", { target: { mode: "all", maxFailures: 1_000 } })]);
    run.input({ type: "targets.resolved", step: "a", agents: hosts(200) });
    for (const { path, fence } of [...run.state.steps.values()].slice(1)) {
      run
        .granted(fence, `agt_${path.slice(2)}`)
        .started(path)
        .exited(path, 0, fence, { v: "x".repeat(60 * 1024) });
    }
    const steps = [...run.state.steps.values()];
    const held = steps.reduce((sum, { values }) => sum + JSON.stringify(values ?? {}).length, 0);
    expect(held).toBeLessThan(HELD_MAX_BYTES);
    expect(held).toBeGreaterThan(HELD_MAX_BYTES - 128 * 1024);
    const failed = steps.filter(({ state }) => state === "failed");
    expect(failed.length).toBeGreaterThan(50);
    expect(failed[0]?.detail).toMatch(/may have 8 MiB together/);
    expect(failed[0]?.values).toBeUndefined();
    expect(run.state.end?.state).toBe("succeeded");
  });

  it("is given back when a step that was under way has ended", () => {
    const run = new Run([command("a", { env: { B: { expr: times(7) } } }), command("b")], {
      parameters: { p },
    });
    expect(run.state.heldBytes).toBeGreaterThan(7 * PARAMETER_VALUE_MAX_BYTES);
    run.granted().started("a").exited("a");
    expect(run.state.heldBytes).toBe(0);
  });
});
