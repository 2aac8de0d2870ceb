/**
 * The event log of an execution: append-only, folded into its state, served as
 * JSON and over the streams. Every event has a sequence number; output chunks
 * draw from the same sequence, so one number says how far a viewer has read.
 */
import { z } from "zod";
import { actorSchema, triggerSchema } from "./actor.ts";
import { attemptOutcomeSchema, streamSummarySchema } from "./data.ts";
import { queueReasonSchema, TERMINAL_EXECUTION_STATES, TERMINAL_STEP_STATES } from "./states.ts";

export const EVENT_SCHEMA = 1;

const step = { step: z.string() };
const attempt = { ...step, attempt: z.number().int().positive() };
const fenced = { fence: z.number().int().positive() };

export const executionEventSchema = z
  .discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("execution.created"),
      schema: z.literal(EVENT_SCHEMA),
      planDigest: z.string(),
      trigger: triggerSchema,
      actor: actorSchema,
    }),
    z.strictObject({
      type: z.literal("lease.requested"),
      ...fenced,
      leaseId: z.string(),
    }),
    z.strictObject({
      type: z.literal("lease.queued"),
      ...fenced,
      /** How many wait before it in the pool. */
      ahead: z.number().int().nonnegative(),
      reason: queueReasonSchema,
    }),
    z.strictObject({
      type: z.literal("lease.granted"),
      ...fenced,
      agentId: z.string(),
      agentName: z.string(),
    }),
    z.strictObject({ type: z.literal("lease.failed"), ...fenced, reason: z.string() }),
    z.strictObject({ type: z.literal("lease.released"), ...fenced }),
    z.strictObject({ type: z.literal("step.dispatched"), ...attempt, ...fenced }),
    z.strictObject({
      type: z.literal("step.started"),
      ...attempt,
      pid: z.number().int(),
      agentTime: z.number(),
    }),
    z.strictObject({ type: z.literal("step.unreachable"), ...attempt, reason: z.string() }),
    z.strictObject({ type: z.literal("step.reachable"), ...attempt }),
    z.strictObject({
      type: z.literal("step.stopping"),
      ...attempt,
      reason: z.enum(["canceled", "timed_out"]),
    }),
    z.strictObject({
      type: z.literal("step.finished"),
      ...attempt,
      state: z.enum(TERMINAL_STEP_STATES),
      outcome: attemptOutcomeSchema.optional(),
      /** In words, when the state alone does not say it. */
      detail: z.string().optional(),
      durationMs: z.number().optional(),
      streams: z.strictObject({ stdout: streamSummarySchema, stderr: streamSummarySchema }).optional(),
      leakedOutput: z.boolean().optional(),
    }),
    z.strictObject({ type: z.literal("step.skipped"), ...step, reason: z.string() }),
    /** A report under an old fence or after the end: kept, and without effect (promise G16). */
    z.strictObject({ type: z.literal("step.late"), ...attempt, ...fenced, outcome: attemptOutcomeSchema }),
    z.strictObject({ type: z.literal("cancel.requested"), actor: actorSchema, reason: z.string() }),
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
