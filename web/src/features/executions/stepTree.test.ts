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
  expect(stepTree(plan, steps).map(({ id, depth, round }) => [id, depth, round])).toEqual([
    ["both", 0, undefined],
    ["a", 1, undefined],
    ["b", 1, undefined],
    ["c", 1, undefined],
    ["each", 0, undefined],
    ["d~0", 1, 1],
    ["d~1", 1, 2],
    ["e", 0, undefined],
    ["undo-e", 0, undefined],
    ["clean", 0, undefined],
  ]);
});
