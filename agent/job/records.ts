/** The facts that the journal keeps, and the state they fold into. Pure. */
import { z } from "zod";
import {
  attemptOutcomeSchema,
  stepUsageSchema,
  stepValuesSchema,
  streamSummarySchema,
} from "#protocol/data.ts";
import { type Lease, leaseSchema } from "#protocol/socket.ts";

/** How an attempt ended, ready to be reported. */
export const attemptResultSchema = z.object({
  outcome: attemptOutcomeSchema,
  /** Wall clock, ms. */
  time: z.number(),
  durationMs: z.number(),
  streams: z.object({ stdout: streamSummarySchema, stderr: streamSummarySchema }),
  leakedOutput: z.boolean(),
  usage: stepUsageSchema.optional(),
  values: stepValuesSchema.optional(),
});
export type AttemptResult = z.infer<typeof attemptResultSchema>;

/** A process that cannot be mistaken for another: numbers are reused, start times and boots are not. */
export const processIdSchema = z.object({
  pid: z.number().int().positive(),
  /** Clock ticks after the boot, from /proc/<pid>/stat. */
  startTime: z.number(),
});
export type ProcessId = z.infer<typeof processIdSchema>;

const ofAttempt = { lease: z.string(), step: z.string(), attempt: z.number().int() };

export const recordSchema = z.discriminatedUnion("type", [
  /** A lease was accepted. `lease` below is its key. */
  z.object({ type: z.literal("lease"), lease: leaseSchema }),
  /** Flushed to disk before anything is spawned (ST1). */
  z.object({
    type: z.literal("started"),
    ...ofAttempt,
    fence: z.number().int(),
    time: z.number(),
    /** Random; every process of the attempt carries it in its environment. */
    marker: z.string(),
    bootId: z.string(),
  }),
  z.object({
    type: z.literal("spawned"),
    ...ofAttempt,
    time: z.number(),
    process: processIdSchema,
    /** The name of its cgroup, where it has one. */
    cgroup: z.string().optional(),
  }),
  z.object({
    type: z.literal("finished"),
    ...ofAttempt,
    fence: z.number().int(),
    result: attemptResultSchema,
  }),
  /** The coordinator has the result: only the fact that it ran is kept, until the lease ends. */
  z.object({ type: z.literal("recorded"), ...ofAttempt }),
  /** An attempt of a plan that people signed: with another lease it does not begin again, until the plan expires. */
  z.object({
    type: z.literal("begun"),
    /** Its nonce. */
    plan: z.string(),
    execution: z.string(),
    step: z.string(),
    attempt: z.number().int(),
    until: z.number(),
    time: z.number(),
  }),
  /** A step of such a plan has done what it should: it does not begin again, whatever attempt it is. */
  z.object({ type: z.literal("succeeded"), plan: z.string(), step: z.string() }),
  /** The lease is over and cleaned up; an offer of it that still comes is an echo. */
  z.object({ type: z.literal("ended"), lease: z.string() }),
  /** The folder of an execution waits for another lease, until then (wall clock, ms); without a time, no longer. */
  z.object({ type: z.literal("kept"), execution: z.string(), until: z.number().optional() }),
]);
export type JournalRecord = z.infer<typeof recordSchema>;
type RecordOf<T extends JournalRecord["type"]> = Extract<JournalRecord, { type: T }>;

export interface JournalAttempt {
  step: string;
  attempt: number;
  started?: RecordOf<"started">;
  spawned?: RecordOf<"spawned">;
  finished?: RecordOf<"finished">;
  recorded: boolean;
}

export interface JournalLease {
  lease: Lease;
  attempts: Map<string, JournalAttempt>;
}

export interface JournalState {
  leases: Map<string, JournalLease>;
  /** Keys of leases that are over, oldest first. */
  ended: Set<string>;
  /** Executions whose folder is kept, and until when. */
  kept: Map<string, number>;
  /** What ran of plans that people signed, by nonce. */
  plans: Map<string, { execution: string; until: number; begun: Set<string>; succeeded: Set<string> }>;
}

/** How many ended leases are remembered; an echo older than that is not to be expected. */
const ENDED_MAX = 4096;

/** One grant of one lease: a later grant has a higher fence and is another lease to the agent. */
export function leaseKey(lease: Pick<Lease, "id" | "fence">): string {
  return `${lease.id}.${lease.fence}`;
}

export function attemptKey(step: string, attempt: number): string {
  return `${step}#${attempt}`;
}

export function emptyState(): JournalState {
  return { leases: new Map(), ended: new Set(), kept: new Map(), plans: new Map() };
}

/** Folds one fact in. Facts about a lease that is over change nothing. */
export function applyRecord(state: JournalState, record: JournalRecord): void {
  switch (record.type) {
    case "lease": {
      const key = leaseKey(record.lease);
      if (!state.leases.has(key)) state.leases.set(key, { lease: record.lease, attempts: new Map() });
      return;
    }
    case "ended":
      state.leases.delete(record.lease);
      state.ended.add(record.lease);
      for (const oldest of state.ended) {
        if (state.ended.size <= ENDED_MAX) break;
        state.ended.delete(oldest);
      }
      return;
    case "kept":
      if (record.until === undefined) state.kept.delete(record.execution);
      else state.kept.set(record.execution, record.until);
      return;
    case "begun":
      return remember(state, record);
    case "succeeded":
      state.plans.get(record.plan)?.succeeded.add(record.step);
      return;
    case "started":
    case "spawned":
    case "finished":
    case "recorded":
      applyToAttempt(state, record);
      return;
    default:
      record satisfies never;
  }
}

function remember(
  { plans, leases }: JournalState,
  { plan, execution, until, step, attempt, time }: RecordOf<"begun">,
) {
  const held = new Set(Array.from(leases.values(), ({ lease }) => lease.executionId));
  for (const [nonce, known] of plans) {
    if (known.until <= time && !held.has(known.execution)) plans.delete(nonce);
  }
  const known = plans.get(plan) ?? { execution, until, begun: new Set(), succeeded: new Set() };
  plans.set(plan, known);
  known.begun.add(attemptKey(step, attempt));
}

function applyToAttempt(
  state: JournalState,
  record: RecordOf<"started" | "spawned" | "finished" | "recorded">,
): void {
  const attempts = state.leases.get(record.lease)?.attempts;
  if (!attempts) return;
  const key = attemptKey(record.step, record.attempt);
  const entry = attempts.get(key) ?? { step: record.step, attempt: record.attempt, recorded: false };
  attempts.set(key, entry);
  switch (record.type) {
    case "started":
      entry.started = record;
      return;
    case "spawned":
      entry.spawned = record;
      return;
    case "finished":
      entry.finished = record;
      return;
    case "recorded":
      attempts.set(key, { step: entry.step, attempt: entry.attempt, recorded: true });
      return;
    default:
      record satisfies never;
  }
}

/** The records that rebuild this state. */
export function snapshotOf(state: JournalState): JournalRecord[] {
  const records: JournalRecord[] = Array.from(state.ended, (lease) => ({ type: "ended", lease }));
  for (const [execution, until] of state.kept) records.push({ type: "kept", execution, until });
  for (const [plan, { execution, until, begun, succeeded }] of state.plans) {
    for (const key of begun) {
      const at = key.lastIndexOf("#");
      const [step, attempt] = [key.slice(0, at), Number(key.slice(at + 1))];
      records.push({ type: "begun", plan, execution, step, attempt, until, time: 0 });
    }
    for (const step of succeeded) records.push({ type: "succeeded", plan, step });
  }
  for (const [key, { lease, attempts }] of state.leases) {
    records.push({ type: "lease", lease });
    for (const entry of attempts.values()) {
      const { step, attempt, started, spawned, finished, recorded } = entry;
      if (started) records.push(started);
      if (spawned) records.push(spawned);
      if (finished) records.push(finished);
      if (recorded) records.push({ type: "recorded", lease: key, step, attempt });
    }
  }
  return records;
}
