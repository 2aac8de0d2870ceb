import { describe, expect, it } from "vitest";
import type { Execution, Step } from "#protocol/api/executions.ts";
import type { StepState } from "#protocol/states.ts";
import { activeStep, hashOf, readHash } from "./selection.ts";

describe("the address of a line", () => {
  it("is read as it is written", () => {
    expect(readHash(hashOf("check"))).toEqual({ step: "check", line: undefined });
    expect(readHash(hashOf("check-2", 0))).toEqual({ step: "check-2", line: 0 });
    expect(hashOf("a", 119)).toBe("#a:120");
  });

  it.each(["", "#", "#A b", "#a:x", "#<img>", "#a:1:2", `#a:${"9".repeat(40)}`])(
    "%s says nothing",
    (hash) => {
      expect(readHash(hash).line).toBeUndefined();
    },
  );
});

describe("the step where things happen", () => {
  const active = (...states: [kind: string, state: StepState][]) => {
    const output = { bytes: 0, lines: 0, cutBytes: 0 };
    const steps: Step[] = states.map(([kind, state], at) => ({
      id: String(at),
      kind,
      title: "",
      state,
      attempt: 1,
      output,
    }));
    return activeStep({ steps } as Execution)?.id;
  };

  it("is the one that failed, not the one around it", () => {
    const output = { bytes: 0, lines: 0, cutBytes: 0 };
    const step = (id: string, state: StepState, more: Partial<Step> = {}): Step => ({
      ...{ id, kind: "command", title: "", state, attempt: 1, output },
      ...more,
    });
    const lists = { total: 2, started: 2, ended: 2, failed: 1 };
    const steps = [step("a", "failed", { lists }), step("a~0", "succeeded"), step("a~1", "failed")];
    expect(activeStep({ steps } as Execution)?.id).toBe("a~1");
  });

  it.each<[string, [string, StepState][], string | undefined]>([
    [
      "runs",
      [
        ["command", "succeeded"],
        ["command", "running"],
        ["command", "pending"],
      ],
      "1",
    ],
    [
      "went wrong",
      [
        ["command", "succeeded"],
        ["command", "failed"],
        ["command", "skipped"],
      ],
      "1",
    ],
    [
      "comes next",
      [
        ["instruction", "succeeded"],
        ["command", "pending"],
      ],
      "1",
    ],
    [
      "came last",
      [
        ["command", "succeeded"],
        ["command", "succeeded"],
        ["instruction", "succeeded"],
      ],
      "1",
    ],
    ["is all there is", [["instruction", "succeeded"]], "0"],
    ["is not there", [], undefined],
  ])("%s", (_name, states, id) => {
    expect(active(...states)).toBe(id);
  });
});
