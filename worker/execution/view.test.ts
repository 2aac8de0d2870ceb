import { expect, it } from "vitest";
import type { Step } from "#protocol/api/executions.ts";
import type { Block } from "#protocol/blocks/index.ts";
import { deadlineOf } from "./engine/deadlines.ts";
import { apply, fold, type TimedEvent } from "./engine/fold.ts";
import type { EngineInput } from "./engine/inputs.ts";
import { ACTOR, command, planOf, Run } from "./engine/testRun.ts";
import { touchedBy } from "./engine/touched.ts";
import { toProgress, toSteps } from "./view.ts";

const SEEDS = 500;
const NOTHING = () => ({ stdout: 0, stderr: 0, position: 0, line: 0 });

const blocks: Block[] = [
  command("a", { compensate: command("undo-a") }),
  {
    kind: "parallel",
    id: "both",
    branches: [[command("b"), command("c", { retry: { maxAttempts: 3 } })], [command("d")]],
  },
  { kind: "foreach", id: "each", items: "[1, 2]", blocks: [command("e"), { kind: "approval", id: "ok" }] },
  command("all", { target: { mode: "all" } }),
];
const more = { finally: [command("clean")] };

/** A small seeded generator (mulberry32), so a failing seed can be named. */
function generator(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The log of an execution to which anything may have happened, until it ended. */
function randomLog(roll: () => number): TimedEvent[] {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(roll() * items.length)] as T;
  const run = new Run(blocks, more);
  const person = { actor: { type: "user", id: "eve", name: "Eve" } as const, names: ["eve"], roles: [] };
  for (let i = 0; i < 300 && !run.state.end; i++) {
    run.now += Math.floor(roll() * 20_000);
    const open = [...run.state.open];
    const path = open.length > 0 ? pick(open) : "a";
    const fence = pick([...run.state.openLeases, 1]);
    const inputs: (() => unknown)[] = [
      () => run.granted(fence, `agt_${fence}`),
      () => run.input({ type: "lease.queued", fence, ahead: 1, reason: "all_busy" }),
      () => run.input({ type: "lease.failed", fence, reason: "x", retry: roll() < 0.9 }),
      () => run.input({ type: "agent.disconnected", fence, reason: "no word" }),
      () => run.input({ type: "agent.connected", fence, attempts: [{ step: path, attempt: 1 }] }),
      () => run.started(path),
      () => run.exited(path, roll() < 0.9 ? 0 : 1),
      () => run.exited(path),
      () =>
        run.input({
          type: "targets.resolved",
          step: path,
          agents: [1, 2].map((n) => ({ agentId: `agt_${n}`, agentName: `${n}` })),
        }),
      () => run.input({ type: "answer", step: path, answer: "approve", person, planDigest: "digest" }),
      () => roll() < 0.05 && run.input({ type: "pause", actor: ACTOR, reason: "" }),
      () => run.input({ type: "resume", actor: ACTOR }),
      () =>
        roll() < 0.02 &&
        run.input({ type: "cancel", actor: ACTOR, reason: "", force: false } satisfies EngineInput),
      () => run.input({ type: "tick" }),
    ];
    pick(inputs)();
  }
  while (!run.state.end) run.at(Math.max(run.now + 1, deadlineOf(run.state)?.at ?? Number.NaN));
  return run.log;
}

it("a step that waits says why, in which pool, and where it stands; so does its execution", () => {
  const run = new Run([command("a", { target: { pool: "lab" } })], { pools: { lab: "pool_2" } });
  const seen = () => ({
    execution: toProgress("exe_1", run.state, 1).queue,
    step: toSteps(run.state, ["a"], NOTHING)[0]?.queue,
  });
  expect(seen()).toEqual({ execution: undefined, step: undefined });
  const queue = { ahead: 2, reason: "agents_drain", detail: "vm is draining" } as const;
  run.input({ type: "lease.queued", fence: 1, ...queue });
  const told = { ...queue, poolName: "lab" };
  expect(seen()).toEqual({ execution: told, step: told });
  run.granted();
  expect(seen()).toEqual({ execution: undefined, step: undefined });
});

it("who waits to ask the pool again stands in the queue, with what the agents said", () => {
  const run = new Run([command("a")]);
  for (const fence of [1, 2]) {
    run.granted(fence).input({ type: "lease.failed", fence, reason: "no room", retry: true });
  }
  const declined = {
    ...{ ahead: 0, reason: "agents_decline", poolName: "default" },
    detail: "1 agent did not take it (1: no room)",
  };
  expect(toProgress("exe_1", run.state, 1).queue).toEqual(declined);
  expect(toSteps(run.state, ["a"], NOTHING)[0]?.queue).toEqual(declined);
  run.at(6_000);
  expect(toProgress("exe_1", run.state, 1).queue).toBeUndefined();
});

it(`whoever is told what events touched sees what the API says: ${SEEDS} seeded logs`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const log = randomLog(generator(seed));
    let state = fold(planOf(blocks, more), log.slice(0, 1));
    const seen = new Map<string, Step>();
    for (const [index, entry] of log.entries()) {
      if (index > 0) state = apply(state, entry);
      for (const step of toSteps(state, touchedBy(state, entry.event), NOTHING)) seen.set(step.id, step);
      const whole = toSteps(
        state,
        [...state.steps.values()].map(({ path }) => path),
        NOTHING,
      );
      const told = toSteps(state, seen.keys(), NOTHING).map(({ id }) => seen.get(id));
      const bySteps = new Map(told.map((step) => [step?.id, step]));
      expect(
        whole.map(({ id }) => bySteps.get(id)),
        `seed ${seed}, event ${index + 1} ${entry.event.type}`,
      ).toEqual(whole);
    }
    expect(toProgress("exe_1", state, log.length).finishedAt).toBeDefined();
  }
}, 60_000);

it("a step in a `foreach` tells its item, also what undoes it and what lies deeper", () => {
  const run = new Run([
    {
      kind: "foreach",
      id: "each",
      items: `["db-1", {"name": "db-2"}]`,
      blocks: [
        { kind: "condition", id: "if", if: "true", then: [command("a", { compensate: command("undo") })] },
      ],
    },
    command("last"),
  ]);
  run.granted(1);
  for (const path of ["a~0", "a~1"]) {
    run.started(path);
    run.exited(path);
  }
  run.started("last");
  run.exited("last", 1);
  const paths = [...run.state.steps.values()].map(({ path }) => path);
  const items = toSteps(run.state, paths, NOTHING).map(({ id, item }) => [id, item]);
  expect(Object.fromEntries(items)).toMatchObject({
    "if~0": "db-1",
    "a~1": '{"name":"db-2"}',
    "undo~1": '{"name":"db-2"}',
    last: undefined,
  });
});
