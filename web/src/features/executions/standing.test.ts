import { expect, it } from "vitest";
import type { Execution, Step } from "#protocol/api/executions.ts";
import { standingOf } from "./standing.ts";

const step = (id: string, more: Partial<Step>): Step => ({
  id,
  kind: "command",
  title: id,
  state: "pending",
  attempt: 0,
  output: { bytes: 0, lines: 0, cutBytes: 0 },
  ...more,
});

const execution = (more: Partial<Execution>): Execution =>
  ({ state: "running", canceling: false, steps: [], ...more }) as Execution;

const paused = { actor: { type: "system", name: "s" }, reason: "", at: "" } as const;
const queue = { ahead: 0, reason: "all_busy" } as const;

it.each<[string | undefined, Partial<Execution>]>([
  [undefined, {}],
  ["canceling", { canceling: true, paused }],
  ["paused", { paused, queue }],
  ["unreachable", { steps: [step("a", { state: "unreachable" })], phase: "finally" }],
  ["locks", { locks: { status: "queued", names: ["l"] }, queue }],
  ["locks", { steps: [step("a", { state: "waiting", wait: { for: "locks", until: 0 } })] }],
  ["queued", { queue, locks: { status: "granted", names: ["l"] }, phase: "compensating" }],
  ["compensating", { phase: "compensating" }],
  ["finally", { phase: "finally" }],
  [undefined, { phase: "finally", finishedAt: "2026-05-01T12:00:00Z" }],
])("says what matters most: %s", (type, given) => {
  expect(standingOf(execution(given))?.type).toBe(type);
});

it("names the step whose failure is undone, and the step that wants a lock", () => {
  const failed = step("check", { state: "failed" });
  expect(standingOf(execution({ phase: "compensating", steps: [failed] }))).toMatchObject({ cause: failed });
  const waits = step("b", { state: "waiting", wait: { for: "locks", until: 0 } });
  expect(standingOf(execution({ steps: [waits] }))).toMatchObject({ step: "b" });
});

it("names the step that waits for an agent in the way that is told", () => {
  const lab = { ...queue, poolName: "lab" };
  const steps = [step("a", { queue: { ...queue, poolName: "default" } }), step("b", { queue: lab })];
  expect(standingOf(execution({ steps, queue: lab }))).toMatchObject({ step: { id: "b" } });
  expect(standingOf(execution({ queue: { ahead: 0, reason: "organization_full" } }))).toMatchObject({
    step: undefined,
  });
});
