import type { Block } from "#protocol/blocks/index.ts";
import { deadlineOf } from "../../worker/execution/engine/deadlines.ts";
import { fold } from "../../worker/execution/engine/fold.ts";
import { command, Run } from "../../worker/execution/engine/testRun.ts";
import type { Measurement } from "./measurement.ts";
import { alone } from "./results.ts";

const LOG_EVENTS = 50_000;
const LAST_DECISIONS = 1_000;
const MIB = 2 ** 20;

/** `[0, 1, …]` as an expression. */
function list(count: number): string {
  return `[${Array.from({ length: count }, (_, index) => index).join(", ")}]`;
}

/** Ten times ten times `items` rounds; `concurrency` at once in each of the loops. */
function rounds(items: number, concurrency: number, blocks: Block[]): Block[] {
  const loop = (id: string, count: number, inside: Block[]): Block => {
    return { kind: "foreach", id, items: list(count), concurrency, blocks: inside };
  };
  return [loop("outer", 10, [loop("middle", 10, [loop("inner", items, blocks)])])];
}

function commands(count: number): Block[] {
  const retry = { maxAttempts: 20, delayMs: 0 };
  return Array.from({ length: count }, (_, index) => command(`step-${index}`, { retry }));
}

/** Begins and ends whatever is out until the execution has ended; each step needs so many attempts. */
function drive(blocks: Block[], attempts: number): { run: Run; decisions: number[] } {
  const run = new Run(blocks).granted();
  const decisions: number[] = [];
  const decide = (work: () => unknown) => {
    const began = performance.now();
    work();
    decisions.push(performance.now() - began);
    run.effects.length = 0;
  };
  while (!run.state.end) {
    for (const path of [...run.state.open]) {
      if (run.state.steps.get(path)?.state === "dispatched") decide(() => run.started(path));
      const step = run.state.steps.get(path);
      if (step?.state !== "running" || step.lists) continue;
      decide(() => run.exited(path, step.attempt < attempts ? 1 : 0));
    }
    const next = deadlineOf(run.state);
    if (next?.type === "wait") decide(() => run.at(next.at));
  }
  return { run, decisions };
}

/** The engine alone, in this process: what its decisions cost, however long the log and however many the steps. */
export const engine: Measurement = {
  title: "the engine: long logs, many steps",
  rounds: 10,
  budgetMs: 30_000,
  async run(_, turns) {
    const samples = { fold: [], decision: [], steps: [], memory: [], items: [], atOnce: [] } as Record<
      "fold" | "decision" | "steps" | "memory" | "items" | "atOnce",
      number[]
    >;
    const timed = (name: keyof typeof samples, work: () => unknown) => {
      const began = performance.now();
      work();
      samples[name].push(performance.now() - began);
    };
    for (const _turn of turns) {
      const { run, decisions } = drive(rounds(10, 1, commands(4)), 4);
      const log = run.log.slice(0, LOG_EVENTS);
      timed("fold", () => fold(run.state.plan, log));
      samples.decision.push(...decisions.slice(-LAST_DECISIONS));
      const before = process.memoryUsage().heapUsed;
      timed("steps", () => drive(rounds(12, 1, commands(4)), 1));
      samples.memory.push(Math.max(0, process.memoryUsage().heapUsed - before) / MIB);
      timed("items", () => drive(rounds(10, 1, commands(1)), 1));
      timed("atOnce", () => drive(rounds(10, 10, commands(1)), 1));
    }
    return {
      rows: [
        alone("fold of 50,000 events", "ms", samples.fold, { atMost: 1_000 }),
        alone("a decision after 70,000 events", "ms", samples.decision, { atMost: 1 }),
        alone("4,800 steps, all decisions", "ms", samples.steps),
        alone("4,800 steps, heap grows by", "MB", samples.memory),
        alone("1,000 rounds of foreach", "ms", samples.items),
        alone("1,000 rounds at once", "ms", samples.atOnce),
      ],
    };
  },
};
