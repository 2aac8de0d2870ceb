import { z } from "zod";
import { actorSchema, triggerSchema } from "../actor.ts";
import { attemptOutcomeSchema, streamSummarySchema } from "../data.ts";
import { idSchema } from "../ids.ts";
import { planSchema } from "../plan.ts";
import { executionStateSchema, queueReasonSchema, stepStateSchema } from "../states.ts";
import { timestampSchema } from "./envelope.ts";

/** A row of the index. */
export const executionSummarySchema = z
  .object({
    id: idSchema("execution"),
    runbookId: idSchema("runbook"),
    versionNumber: z.number().int().positive(),
    title: z.string(),
    state: executionStateSchema,
    trigger: triggerSchema,
    actor: actorSchema,
    createdAt: timestampSchema,
    finishedAt: timestampSchema.optional(),
    durationMs: z.number().optional(),
  })
  .meta({ id: "ExecutionSummary" });

const outputSizeSchema = z.object({
  bytes: z.number().int(),
  /** Line feeds. */
  lines: z.number().int(),
  /** Bytes kept out by the output limit. */
  cutBytes: z.number().int(),
});

export const stepSchema = z
  .object({
    /** Its path in the tree of blocks; unique in the execution and safe in a URL. */
    id: z.string(),
    kind: z.string(),
    title: z.string(),
    state: stepStateSchema,
    attempt: z.number().int().nonnegative(),
    /** The number of the lease it went out under. */
    fence: z.number().int().positive().optional(),
    agentId: z.string().optional(),
    agentName: z.string().optional(),
    startedAt: timestampSchema.optional(),
    finishedAt: timestampSchema.optional(),
    durationMs: z.number().optional(),
    outcome: attemptOutcomeSchema.optional(),
    /** In words, why it is in this state, when the state alone does not say it. */
    detail: z.string().optional(),
    output: outputSizeSchema,
    streams: z.object({ stdout: streamSummarySchema, stderr: streamSummarySchema }).optional(),
  })
  .meta({ id: "Step" });

/** Why an execution is not running yet, and its place in the queue. */
export const queuePlaceSchema = z.object({
  ahead: z.number().int().nonnegative(),
  reason: queueReasonSchema,
});

/** The execution as its coordinator has it. */
export const executionSchema = executionSummarySchema
  .extend({
    plan: planSchema,
    planDigest: z.string(),
    steps: z.array(stepSchema),
    queue: queuePlaceSchema.optional(),
    /** The agent whose slot it holds now. */
    agent: z.object({ id: z.string(), name: z.string() }).optional(),
    /** Somebody asked to cancel it, and it has not ended yet. */
    canceling: z.boolean(),
    /** Once it has ended: false when nobody can say that all of its processes are gone (rule CX2). */
    confirmed: z.boolean().optional(),
    detail: z.string().optional(),
    /** The last sequence number of the log. */
    head: z.number().int().nonnegative(),
  })
  .meta({ id: "Execution" });

/** Body of `POST /runbooks/{id}/executions`. */
export const executionCreateSchema = z.strictObject({
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  /** A version by number; the latest when absent. */
  version: z.number().int().positive().optional(),
  /** Runs elsewhere than the runbook says. */
  pool: z.string().optional(),
});

export const executionCancelSchema = z.strictObject({ reason: z.string().max(500).optional() });

export type ExecutionSummary = z.infer<typeof executionSummarySchema>;
export type Execution = z.infer<typeof executionSchema>;
export type Step = z.infer<typeof stepSchema>;
export type QueuePlace = z.infer<typeof queuePlaceSchema>;
export type ExecutionCreate = z.infer<typeof executionCreateSchema>;
