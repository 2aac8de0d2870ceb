import { expect, it } from "vitest";
import type { Step } from "#protocol/api/executions.ts";
import type { Block } from "#protocol/blocks/index.ts";
import type { Plan } from "#protocol/plan.ts";
import { stepTree } from "./stepTree.ts";

const command = (id: string): Block => ({ kind: "command", id, interpreter: "sh", script: "true" });

it("has steps where they stand in the runbook, with their depth and round", () => {
  const plan = {
    blocks: [
      { kind: "parallel", id: "both", branches: [[command("a"), command("b")], [command("c")]] },
      { kind: "foreach", id: "each", items: "[1, 2]", blocks: [command("d")] },
      { ...command("e"), compensate: command("undo-e") },
    ],
    finally: [command("clean")],
  } as unknown as Plan;
  const lists = { total: 2, started: 2, ended: 0, failed: 0 };
  const step = (id: string, more: Partial<Step> = {}): Step => ({
    id,
    kind: "command",
    title: id,
    state: "pending",
    attempt: 0,
    output: { bytes: 0, lines: 0, cutBytes: 0 },
    ...more,
  });
  const steps = [
    step("both", { lists }),
    step("each", { lists }),
    step("e"),
    ...["a", "b", "c", "d~0", "d~1", "undo-e", "clean"].map((id) => step(id)),
  ];
  const placed = stepTree(plan, steps);
  expect(placed.map(({ id, depth, round, part }) => [id, depth, round, part])).toEqual([
    ["both", 0, undefined, undefined],
    ["a", 1, undefined, undefined],
    ["b", 1, undefined, undefined],
    ["c", 1, undefined, undefined],
    ["each", 0, undefined, undefined],
    ["d~0", 1, "1", undefined],
    ["d~1", 1, "2", undefined],
    ["e", 0, undefined, undefined],
    ["undo-e", 0, undefined, "undo"],
    ["clean", 0, undefined, "finally"],
  ]);
});

it("tells prose from what somebody has acknowledged, in a retry that took both over too", () => {
  const prose = { kind: "instruction", id: "note-1", markdown: "Read this." } as const;
  const plan = { blocks: [prose, { ...prose, id: "ask", acknowledge: true }] } as unknown as Plan;
  const steps = ["note-1", "ask"].map(
    (id): Step => ({
      ...{ id, kind: "instruction", title: id, state: "succeeded", attempt: 0, reused: true },
      output: { bytes: 0, lines: 0, cutBytes: 0 },
    }),
  );
  expect(stepTree(plan, steps).map(({ isProse }) => isProse)).toEqual([true, undefined]);
});

it("tells the agents of one step apart by their names", () => {
  const plan = { blocks: [{ ...command("a"), target: { mode: "all" } }] } as unknown as Plan;
  const step = (id: string, more: Partial<Step>): Step => ({
    id,
    kind: "command",
    title: "a",
    state: "running",
    attempt: 1,
    output: { bytes: 0, lines: 0, cutBytes: 0 },
    ...more,
  });
  const lists = { total: 2, started: 2, ended: 0, failed: 0 };
  const steps = [step("a", { lists }), step("a~0", { agentName: "web-1" }), step("a~1", {})];
  const placed = stepTree(plan, steps);
  expect(placed.map(({ id, round, roundOf, onAgent }) => [id, round, roundOf, onAgent])).toEqual([
    ["a", undefined, undefined, undefined],
    ["a~0", "web-1", "a", true],
    ["a~1", "2", "a", true],
  ]);
});
