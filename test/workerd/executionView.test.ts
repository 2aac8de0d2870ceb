import { expect, it } from "vitest";
import type { Execution } from "#protocol/api/executions.ts";
import type { Plan } from "#protocol/plan.ts";
import type { Block } from "#protocol/runbook/document.ts";
import { applyEvent } from "../../web/src/live/applyEvent.ts";
import { deadlineOf } from "../../worker/execution/engine/deadlines.ts";
import { create, engine } from "../../worker/execution/engine/engine.ts";
import { fold, type TimedEvent } from "../../worker/execution/engine/fold.ts";
import type { Decision, EngineInput } from "../../worker/execution/engine/inputs.ts";
import { toExecution } from "../../worker/execution/view.ts";

const SEEDS = 1_000;
const EMPTY = { bytes: 0, sha256: "0".repeat(64), cutBytes: 0 };
const STREAMS = { stdout: { ...EMPTY, cutBytes: 3 }, stderr: EMPTY };

const blocks: Block[] = [
  { kind: "command", id: "a", interpreter: "sh", script: "true" },
  { kind: "instruction", id: "note", markdown: "Look." },
  { kind: "command", id: "b", interpreter: "sh", script: "true" },
  { kind: "command", id: "c", interpreter: "sh", script: "true" },
];
const plan: Plan = {
  schema: 1,
  organizationId: "org_1",
  runbookId: "rb_1",
  versionId: "rbv_1",
  versionNumber: 1,
  versionHash: "hash",
  title: "Test",
  parameters: {},
  target: { poolId: "pool_1", poolName: "default", labels: {} },
  blocks,
  nonce: "nonce",
  expiresAt: 1e12,
};
const actor = { type: "user", id: "usr_1", name: "Ada" } as const;

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

/** The log of an execution to which anything may have happened, in any order, until it ended. */
function randomLog(roll: () => number): TimedEvent[] {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(roll() * items.length)] as T;
  const log: TimedEvent[] = [];
  let now = 1_000;
  let leases = 0;
  const moment = () => ({ now, leaseId: `lease-${++leases}` });
  const keep = (decision: Decision) => {
    log.push(...decision.events.map((event) => ({ time: now, event })));
    return { ...decision.state, steps: decision.state.steps.merge() };
  };
  let state = keep(create(plan, { planDigest: "d", trigger: { type: "user" }, actor }, moment()));
  const kinds: ((fence: number, key: { step: string; attempt: number; fence: number }) => EngineInput)[] = [
    (fence) => ({ type: "lease.granted", fence, agentId: `agt_${fence}`, agentName: `agent ${fence}` }),
    (fence) => ({ type: "lease.queued", fence, ahead: Math.floor(roll() * 3), reason: "all_busy" }),
    (fence) => ({ type: "lease.failed", fence, reason: "x", retry: roll() < 0.9 }),
    (fence) => ({ type: "lease.lost", fence, reason: "gone" }),
    (fence, { step }) => ({
      type: "agent.connected",
      fence,
      attempts: roll() < 0.2 ? [] : [{ step, attempt: 1 }],
    }),
    (fence) => ({ type: "agent.disconnected", fence, reason: "no word" }),
    (_, key) => ({ type: "step.started", ...key, pid: 7, agentTime: 0 }),
    (_, key) => ({
      type: "step.finished",
      ...key,
      outcome: pick([
        { type: "exited", exitCode: 0 },
        { type: "exited", exitCode: 0 },
        { type: "stopped", reason: "canceled", confirmed: false },
      ] as const),
      durationMs: 5,
      streams: STREAMS,
      leakedOutput: false,
    }),
    () => (roll() < 0.1 ? { type: "cancel", actor, reason: "enough" } : { type: "tick" }),
  ];
  for (let i = 0; i < 200 && !state.end; i++) {
    now += Math.floor(roll() * 40_000);
    if (i > 60) now = Math.max(now, deadlineOf(state)?.at ?? now);
    const fence = pick([1, state.leases.length, state.leases.length]);
    const input = pick(kinds)(fence, { step: pick(["a", "b", "c"]), attempt: 1, fence });
    state = keep(engine(state, i > 60 ? { type: "tick" } : input, moment()));
  }
  return log;
}

function viewAt(log: readonly TimedEvent[], head: number): Execution {
  const state = fold(plan, log.slice(0, head));
  return toExecution("exe_1", state, head, () => ({ stdout: 0, stderr: 0, position: 0, line: 0 }));
}

it(`[CX2] a page that followed the events shows what the API says, from wherever it began: ${SEEDS} seeded logs`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const roll = generator(seed);
    const log = randomLog(roll);
    const begin = 1 + Math.floor(roll() * log.length);
    let followed = viewAt(log, begin);
    for (let head = begin + 1; head <= log.length; head++) {
      const { time, event } = log[head - 1] as TimedEvent;
      followed = applyEvent(followed, { seq: head, time: new Date(time).toISOString(), event });
      expect(followed, `seed ${seed}, followed from ${begin}, event ${head} ${event.type}`).toEqual(
        viewAt(log, head),
      );
    }
  }
});
