import { describe, expect, it } from "vitest";
import type { Execution, Step } from "#protocol/api/executions.ts";
import type { Block } from "#protocol/blocks/index.ts";
import type { ExecutionState, StepState } from "#protocol/states.ts";
import { culpritOf, isToldAbove } from "./culprit.ts";
import { endingWords } from "./words.ts";

const command = (id: string, more: Partial<Block> = {}) =>
  ({ id, kind: "command", title: id, interpreter: "sh", script: "true", ...more }) as Block;

function execution(state: ExecutionState, blocks: Block[], states: Record<string, StepState>): Execution {
  const steps = Object.entries(states).map(
    ([id, each]): Step => ({
      ...{ id, kind: "command", title: id, state: each, attempt: 1 },
      output: { bytes: 0, lines: 0, cutBytes: 0 },
    }),
  );
  return { state, durationMs: 2_000, plan: { blocks }, steps } as unknown as Execution;
}

const may = { onFailure: "continue" } as const;

describe("what an execution failed by", () => {
  it("is not what was allowed to fail before it", () => {
    const blocks = [command("first", may), command("second")];
    const failed = execution("failed", blocks, { first: "failed", second: "failed" });
    expect(culpritOf(failed)?.id).toBe("second");
    expect(endingWords(failed)?.title).toBe("Failed at “second”");
    const [first, second] = failed.steps as [Step, Step];
    expect([isToldAbove(failed, first), isToldAbove(failed, second)]).toEqual([false, true]);
  });

  it("is not what stands inside of something that may fail", () => {
    const around = { id: "each", kind: "foreach", items: { expr: "[1]" }, blocks: [command("in")], ...may };
    const blocks = [around as unknown as Block, command("after")];
    const failed = execution("failed", blocks, { each: "failed", "in~0": "failed", after: "timed_out" });
    expect(culpritOf(failed)?.id).toBe("after");
  });
});

describe("how an execution ended well", () => {
  it.each<[Record<string, StepState>, string, string | undefined]>([
    [{ a: "succeeded" }, "Succeeded in 2.0s", undefined],
    [{ a: "succeeded", b: "succeeded" }, "All 2 steps succeeded in 2.0s", undefined],
    [
      { a: "failed", b: "succeeded" },
      "Succeeded in 2.0s",
      "1 of 2 steps did not succeed, as the runbook allows.",
    ],
    [{ a: "skipped", b: "succeeded" }, "Succeeded in 2.0s", "1 of 2 steps was skipped."],
    [
      { a: "failed", b: "skipped", c: "skipped" },
      "Succeeded in 2.0s",
      "1 of 3 steps did not succeed, as the runbook allows; 2 of 3 steps were skipped.",
    ],
  ])("%j", (states, title, detail) => {
    const ended = execution(
      "succeeded",
      Object.keys(states).map((id) => command(id, may)),
      states,
    );
    expect(endingWords(ended)).toMatchObject({ title });
    expect(endingWords(ended)?.detail).toBe(detail);
    expect(ended.steps.some((step) => isToldAbove(ended, step))).toBe(false);
  });
});
