import { expect, it } from "vitest";
import type { CommandBlock } from "#protocol/blocks/index.ts";
import type { AttemptOutcome, StepValues } from "#protocol/data.ts";
import { hasSucceeded } from "./success.ts";

const command = (more: Partial<CommandBlock> = {}): CommandBlock => ({
  ...{ kind: "command", id: "a", interpreter: "sh", script: "x" },
  ...more,
});
const exited = (exitCode: number): AttemptOutcome => ({ type: "exited", exitCode });

it.each<[boolean, string, CommandBlock, AttemptOutcome, StepValues?]>([
  [true, "exit code 0", command(), exited(0)],
  [false, "another exit code", command(), exited(3)],
  [true, "an exit code that its block names", command({ exitCodes: [3] }), exited(3)],
  [false, "0 where its block names others", command({ exitCodes: [3] }), exited(0)],
  [true, "with all that it has to hand on", command({ outputs: ["id"] }), exited(0), { id: "7" }],
  [false, "without something that it has to hand on", command({ outputs: ["id"] }), exited(0), {}],
  [false, "a signal", command(), { type: "signaled", signal: "SIGKILL" }],
  [false, "a stop", command(), { type: "stopped", reason: "canceled", confirmed: true }],
])("[S6] that a step has done what it should is %s of %s", (succeeded, _, block, outcome, values) => {
  expect(hasSucceeded(block, { outcome, ...(values && { values }) })).toBe(succeeded);
});

it.each([true, false])("[S6] and of an answer that its block expected or not: %s", (expected) => {
  const outcome: AttemptOutcome = { type: "answered", status: 200, expected };
  expect(hasSucceeded({ kind: "api", id: "a", method: "GET", url: "https://x" }, { outcome })).toBe(expected);
});
