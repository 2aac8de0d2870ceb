import { describe, expect, it } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import { command, planOf } from "../../execution/engine/testRun.ts";
import { outlineOf } from "./outline.ts";

const brief = (blocks: Block[], more = {}) => outlineOf(planOf(blocks, more));

describe("the outline of a plan", () => {
  it("is the tree in order, with where each runs", () => {
    const { steps, wishes } = brief(
      [
        { kind: "instruction", id: "read", markdown: "Look" },
        {
          kind: "condition",
          id: "if",
          if: "true",
          then: [command("a", { target: { labels: { role: "db" } } })],
          else: [{ kind: "timer", id: "wait", durationMs: 1000 }],
        },
        { kind: "api", id: "edge", method: "GET", url: "https://x", from: "edge" },
        { kind: "api", id: "inside", method: "GET", url: "https://x" },
      ],
      { finally: [command("last", { interpreter: "python3" })] },
    );
    expect(steps.map(({ id, parent, list, where }) => [id, parent, list, where?.labels])).toEqual([
      ["read", undefined, undefined, undefined],
      ["if", undefined, undefined, undefined],
      ["a", "if", "then", { role: "db" }],
      ["wait", "if", "else", undefined],
      ["edge", undefined, undefined, undefined],
      ["inside", undefined, undefined, {}],
      ["last", undefined, "finally", {}],
    ]);
    expect(wishes).toEqual([
      { poolId: "pool_1", poolName: "default", labels: { role: "db" }, interpreters: ["sh"], secrets: [] },
      { poolId: "pool_1", poolName: "default", labels: {}, interpreters: ["python3"], secrets: [] },
    ]);
  });

  it("has what lies in a foreach over agents run on these, and compensations with what they undo", () => {
    const target = { pool: "prod", labels: { role: "web" } };
    const { steps, wishes } = brief(
      [{ kind: "foreach", id: "each", target, blocks: [command("do", { compensate: command("undo") })] }],
      { pools: { prod: "pool_2" } },
    );
    const where = { poolName: "prod", labels: { role: "web" }, mode: "all" };
    expect(steps.map(({ id, list, where }) => ({ id, list, where }))).toEqual([
      { id: "each", list: undefined, where },
      { id: "do", list: "each", where },
      { id: "undo", list: "undo", where },
    ]);
    expect(wishes.map(({ poolId }) => poolId)).toEqual(["pool_2"]);
  });

  it("leaves out of the needs what is outside of the range, and says so", () => {
    const { steps, wishes, questions } = brief(
      [
        command("a", { confirm: "Sure?" }),
        command("b", { confirm: true }),
        command("c", { target: { labels: { x: "y" } } }),
      ],
      { range: { from: "b", to: "b" } },
    );
    expect(steps.map(({ skipped }) => skipped)).toEqual([
      "outside of the chosen range",
      undefined,
      "outside of the chosen range",
    ]);
    expect(wishes.map(({ labels }) => labels)).toEqual([{}]);
    expect(questions).toEqual([{ step: "b", for: "confirmation", question: undefined }]);
  });

  it("names whom approvals ask, and what has to be acknowledged", () => {
    const { questions } = brief([
      { kind: "approval", id: "ok", required: 2, from: { roles: ["admin"] }, markdown: "Go?" },
      { kind: "instruction", id: "call", markdown: "Call them", acknowledge: true },
      { kind: "instruction", id: "note", markdown: "By the way" },
    ]);
    expect(questions).toEqual([
      { step: "ok", for: "approval", question: "Go?", required: 2, people: undefined, roles: ["admin"] },
      { step: "call", for: "acknowledgement", question: "Call them" },
    ]);
  });
});
