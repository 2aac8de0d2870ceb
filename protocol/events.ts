/**
 * The event log of an execution: append-only, folded into its state, served as
 * JSON and over the streams. Every event has a sequence number; output chunks
 * draw from the same sequence, so one number says how far a viewer has read.
 */
import { z } from "zod";
import { actorSchema, triggerSchema } from "./actor.ts";
import {
  attemptOutcomeSchema,
  stepInputsSchema,
  stepUsageSchema,
  stepValuesSchema,
  streamSummarySchema,
} from "./data.ts";
import { jsonSchema } from "./json.ts";
import { signatureSchema } from "./signatures/jws.ts";
import {
  executionStateSchema,
  queueReasonSchema,
  TERMINAL_EXECUTION_STATES,
  TERMINAL_STEP_STATES,
} from "./states.ts";

export const EVENT_SCHEMA = 1;

const step = { step: z.string() };
const attempt = { ...step, attempt: z.number().int().positive() };
const fenced = { fence: z.number().int().positive() };
const agent = { agentId: z.string(), agentName: z.string() };
const time = z.number().int();

/** What a step waits for. `until` is when the wait is over, ms since the epoch. */
export const waitSchema = z
  .discriminatedUnion("for", [
    /** A person's word that it may begin (`confirm`). */
    z.strictObject({ for: z.literal("confirmation"), question: z.string(), until: time }),
    z.strictObject({ for: z.literal("acknowledgement"), until: time }),
    z.strictObject({ for: z.literal("approval"), until: time }),
    z.strictObject({ for: z.literal("time"), until: time }),
    /** The pause before the next attempt. */
    z.strictObject({ for: z.literal("retry"), until: time }),
    /** A slot of an agent. `askAt`: agents declined, and the pool is asked again then. */
    z.strictObject({ for: z.literal("agent"), until: time, askAt: time.optional() }),
    /** The pool's answer which agents match, or an agent that does. */
    z.strictObject({ for: z.literal("targets"), until: time }),
    z.strictObject({ for: z.literal("locks"), until: time }),
    /** The end of a pause of the whole execution. */
    z.strictObject({ for: z.literal("resume"), until: time }),
    /** The pause between two batches. */
    z.strictObject({ for: z.literal("batch"), until: time }),
  ])
  .meta({ id: "Wait" });
export type Wait = z.infer<typeof waitSchema>;

export const ANSWERS = ["acknowledge", "approve", "reject", "confirm"] as const;

/** How an execution comes from an earlier one. */
export const lineageSchema = z.strictObject({
  executionId: z.string(),
  mode: z.enum(["all", "failed", "step"]),
  /** The block that a `step` retry begins at. */
  step: z.string().optional(),
});

/** What the steps inside a `foreach`, and those of a step on many agents, are numbered by. */
const overSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("items"), items: z.array(jsonSchema) }),
  z.strictObject({
    type: z.literal("agents"),
    agents: z.array(z.strictObject({ ...agent, labels: z.record(z.string(), z.string()).optional() })),
  }),
]);

/** What a retry takes over from the execution that it repeats; all of it by step path. */
const takenOverSchema = z.strictObject({
  /** What steps that are not run again had handed on. */
  reused: z.record(z.string(), stepValuesSchema),
  /** What failed and was tolerated before the block that a retry begins at: it is not done again either. */
  passed: z
    .record(
      z.string(),
      z.strictObject({
        state: z.enum(TERMINAL_STEP_STATES).exclude(["succeeded", "skipped"]),
        values: stepValuesSchema.optional(),
        detail: z.string().optional(),
      }),
    )
    .optional(),
  /** The items and agents that steps go over again, so that numbers in paths mean the same. */
  expanded: z.record(z.string(), overSchema),
  /** Where steps that are not run again were done, when they can be undone: that has to happen there. */
  doneOn: z.record(z.string(), z.strictObject({ poolId: z.string(), agentId: z.string() })),
});

export const executionEventSchema = z
  .discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("execution.created"),
      schema: z.literal(EVENT_SCHEMA),
      planDigest: z.string(),
      trigger: triggerSchema,
      actor: actorSchema,
      /** The person behind it: who asked, or whose key did. He cannot approve what he asked for. */
      requesterId: z.string().optional(),
      /** What it is a retry of, and what it takes over from there. */
      lineage: lineageSchema.optional(),
      taken: takenOverSchema.optional(),
      /** The execution and step that started it, how many stand above it, and the topmost of them. */
      parent: z
        .strictObject({
          executionId: z.string(),
          step: z.string(),
          depth: z.number().int(),
          root: z.string().optional(),
        })
        .optional(),
    }),
    /** What it does as a whole has changed: `queued`, `running`, `waiting` or `paused`. */
    z.strictObject({ type: z.literal("execution.state"), state: executionStateSchema }),
    z.strictObject({
      type: z.literal("lease.requested"),
      ...fenced,
      leaseId: z.string(),
      /** What it is for: the steps that share an agent. */
      scope: z.string(),
      poolId: z.string(),
      labels: z.record(z.string(), z.string()),
      /** Only this agent will do: an earlier lease of the scope was there. */
      agentId: z.string().optional(),
      until: time,
    }),
    z.strictObject({
      type: z.literal("lease.queued"),
      ...fenced,
      /** How many wait before it in the pool. */
      ahead: z.number().int().nonnegative(),
      reason: queueReasonSchema,
      /** In words, what is missing. */
      detail: z.string().optional(),
    }),
    z.strictObject({
      type: z.literal("lease.granted"),
      ...fenced,
      ...agent,
      labels: z.record(z.string(), z.string()).optional(),
    }),
    z.strictObject({ type: z.literal("lease.failed"), ...fenced, reason: z.string() }),
    z.strictObject({ type: z.literal("lease.released"), ...fenced }),
    /** The blocks of a list have their turn: steps for them exist from here on. "" is the execution itself. */
    z.strictObject({ type: z.literal("list.started"), ...step, list: z.number().int().nonnegative() }),
    /** A `foreach` knows its items, or a step on many agents its agents. */
    z.strictObject({ type: z.literal("step.expanded"), ...step, over: overSchema }),
    z.strictObject({ type: z.literal("step.waiting"), ...step, wait: waitSchema }),
    /** A person has answered what a step waits for. */
    z.strictObject({
      type: z.literal("step.answered"),
      ...step,
      answer: z.enum(ANSWERS),
      actor: actorSchema,
      /** The plan digest that was approved. */
      planDigest: z.string().optional(),
      note: z.string().optional(),
      values: stepValuesSchema.optional(),
      /** The approver's own over the plan, for agents that ask for it. */
      signature: signatureSchema.optional(),
    }),
    /** Without a fence: from the edge, or in another execution. */
    z.strictObject({
      type: z.literal("step.dispatched"),
      ...attempt,
      fence: fenced.fence.optional(),
      inputs: stepInputsSchema.optional(),
      /** The execution that a `runbook` block started. */
      executionId: z.string().optional(),
    }),
    z.strictObject({
      type: z.literal("step.started"),
      ...attempt,
      /** The process, when an agent began it. */
      pid: z.number().int().optional(),
      agentTime: z.number().optional(),
    }),
    z.strictObject({ type: z.literal("step.unreachable"), ...attempt, reason: z.string() }),
    z.strictObject({ type: z.literal("step.reachable"), ...attempt }),
    /** It, and everything in it, is being stopped. */
    z.strictObject({ type: z.literal("step.stopping"), ...step, reason: z.enum(["canceled", "timed_out"]) }),
    /** An attempt has ended badly, and there will be another. */
    z.strictObject({
      type: z.literal("attempt.failed"),
      ...attempt,
      state: z.enum(["failed", "timed_out", "unknown"]),
      outcome: attemptOutcomeSchema.optional(),
      detail: z.string().optional(),
      retryAt: time,
    }),
    z.strictObject({
      type: z.literal("step.finished"),
      ...step,
      attempt: z.number().int().nonnegative(),
      state: z.enum(TERMINAL_STEP_STATES),
      outcome: attemptOutcomeSchema.optional(),
      /** In words, when the state alone does not say it. */
      detail: z.string().optional(),
      durationMs: z.number().optional(),
      streams: z.strictObject({ stdout: streamSummarySchema, stderr: streamSummarySchema }).optional(),
      leakedOutput: z.boolean().optional(),
      usage: stepUsageSchema.optional(),
      values: stepValuesSchema.optional(),
      /** Taken over from the execution that this one retries. */
      reused: z.boolean().optional(),
    }),
    z.strictObject({
      type: z.literal("step.skipped"),
      ...step,
      reason: z.string(),
      actor: actorSchema.optional(),
    }),
    /** A report under an old fence or after the end: kept, and without effect (promise G16). */
    z.strictObject({ type: z.literal("step.late"), ...attempt, ...fenced, outcome: attemptOutcomeSchema }),
    z.strictObject({
      type: z.literal("locks.requested"),
      ...step,
      locks: z.array(z.strictObject({ name: z.string(), mode: z.enum(["shared", "exclusive"]) })),
      /** Together with them: a place among the executions that the organization runs at once. */
      slot: z.literal(true).optional(),
    }),
    z.strictObject({
      type: z.literal("locks.queued"),
      ...step,
      ahead: z.number().int(),
      /** Empty when no lock is in its way. */
      holder: z.string(),
      /** The organization runs as many executions as it may. */
      reason: z.literal("organization_full").optional(),
    }),
    /** With the number of each grant: whoever has a lower one has lost the lock. */
    z.strictObject({
      type: z.literal("locks.granted"),
      ...step,
      fences: z.record(z.string(), z.number().int()),
    }),
    z.strictObject({ type: z.literal("locks.released"), ...step }),
    z.strictObject({
      type: z.literal("execution.paused"),
      actor: actorSchema,
      reason: z.string(),
      until: time,
    }),
    z.strictObject({ type: z.literal("execution.resumed"), actor: actorSchema }),
    z.strictObject({
      type: z.literal("cancel.requested"),
      actor: actorSchema,
      reason: z.string(),
      /** Nothing is waited for any more. */
      force: z.boolean().optional(),
    }),
    /** The blocks are done; what is still to be done before the end: compensations, then `finally`. */
    z.strictObject({
      type: z.literal("phase.started"),
      phase: z.enum(["compensating", "finally"]),
      /** Paths of the steps that are undone, in this order. */
      steps: z.array(z.string()),
      /** How the execution will end, as far as is known. */
      ending: z.strictObject({ state: z.enum(TERMINAL_EXECUTION_STATES), detail: z.string().optional() }),
    }),
    z.strictObject({
      type: z.literal("execution.finished"),
      state: z.enum(TERMINAL_EXECUTION_STATES),
      /** False when a canceled step could not be confirmed gone (rule CX2). */
      confirmed: z.boolean(),
      detail: z.string().optional(),
    }),
  ])
  .meta({ id: "ExecutionEvent" });
export type ExecutionEvent = z.infer<typeof executionEventSchema>;

/** An event as it is stored and served. */
export const recordedEventSchema = z
  .object({
    seq: z.number().int().positive(),
    /** ISO 8601, by the coordinator's clock. */
    time: z.string(),
    event: executionEventSchema,
  })
  .meta({ id: "RecordedEvent" });
export type RecordedEvent = z.infer<typeof recordedEventSchema>;
export type TakenOver = z.infer<typeof takenOverSchema>;
