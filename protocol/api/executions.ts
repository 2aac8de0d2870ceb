import { z } from "zod";
import { actorSchema, triggerSchema } from "../actor.ts";
import { labelsSchema } from "../blocks/common.ts";
import { attemptOutcomeSchema, stepUsageSchema, stepValuesSchema, streamSummarySchema } from "../data.ts";
import { ANSWERS, lineageSchema, waitSchema } from "../events.ts";
import { idSchema } from "../ids.ts";
import { planSchema } from "../plan.ts";
import { signatureSchema } from "../signatures/jws.ts";
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

const answerSchema = z.object({
  answer: z.enum(ANSWERS),
  actor: actorSchema,
  at: timestampSchema,
  note: z.string().optional(),
  /** His own over the plan: agents that know his key verify it themselves. */
  signature: z.string().optional(),
});

/** Why an execution or a step does not run yet, and its place in the queue. */
export const queuePlaceSchema = z.object({
  ahead: z.number().int().nonnegative(),
  reason: queueReasonSchema,
  /** The pool whose agents it waits for; absent for the queue of the organization. */
  poolName: z.string().optional(),
  /** In words, what is missing: which labels, and what comes nearest. */
  detail: z.string().optional(),
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
    /** Processor time and memory of its last attempt, from the agent. */
    usage: stepUsageSchema.optional(),
    /** What it waits for, while it is `waiting`. */
    wait: waitSchema.optional(),
    /** While it waits for an agent: why none takes it, as the pool said when it was asked. */
    queue: queuePlaceSchema.optional(),
    /** What it has handed on. */
    values: stepValuesSchema.optional(),
    answers: z.array(answerSchema).optional(),
    /** The execution that it started. */
    executionId: z.string().optional(),
    /** Of a step with others in it: how many lists of them have begun, ended and failed. */
    lists: z
      .object({
        total: z.number().int(),
        started: z.number().int(),
        ended: z.number().int(),
        failed: z.number().int(),
      })
      .optional(),
    /** The item of the `foreach` around it, as text that may be cut short. */
    item: z.string().optional(),
    /** Taken over from the execution that this one retries. */
    reused: z.boolean().optional(),
    /** In words, why it is in this state, when the state alone does not say it. */
    detail: z.string().optional(),
    output: outputSizeSchema,
    streams: z.object({ stdout: streamSummarySchema, stderr: streamSummarySchema }).optional(),
  })
  .meta({ id: "Step" });

const lockPlaceSchema = z.object({
  status: z.enum(["requested", "queued", "granted"]),
  names: z.array(z.string()),
  ahead: z.number().int().optional(),
  /** The execution that has it, or is next. */
  holder: z.string().optional(),
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
    paused: z.object({ actor: actorSchema, reason: z.string(), at: timestampSchema }).optional(),
    locks: lockPlaceSchema.optional(),
    /** What it does after its blocks: undoing what succeeded, or its `finally`. */
    phase: z.enum(["compensating", "finally"]).optional(),
    lineage: lineageSchema.optional(),
    /** Somebody asked to cancel it, and it has not ended yet. */
    canceling: z.boolean(),
    /** Once it has ended: false when nobody can say that all of its processes are gone (rule CX2). */
    confirmed: z.boolean().optional(),
    detail: z.string().optional(),
    /** The last sequence number of the log. */
    head: z.number().int().nonnegative(),
  })
  .meta({ id: "Execution" });

/** What changes of an execution while it runs, without its steps. */
export const executionProgressSchema = executionSchema.omit({ plan: true, planDigest: true, steps: true });

/** Body of `POST /runbooks/{id}/executions`. */
export const executionCreateSchema = z.strictObject({
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  /** A version by number; the latest when absent. */
  version: z.number().int().positive().optional(),
  /** Runs elsewhere than the runbook says. */
  pool: z.string().optional(),
  /** Labels instead of those of the runbook. */
  labels: labelsSchema.optional(),
  /** The first and the last block of the top level to run, by name; the others are skipped. */
  range: z
    .strictObject({ from: z.string().max(63).optional(), to: z.string().max(63).optional() })
    .optional(),
});

/** Body of `POST /executions/{id}/retry`. */
export const executionRetrySchema = z
  .strictObject({
    /** `failed`: what succeeded is not done again. `step`: begins at a block of the top level. `all`: from the beginning. */
    mode: z.enum(["failed", "step", "all"]).default("failed"),
    step: z.string().max(63).optional(),
  })
  .refine(({ mode, step }) => (mode === "step") === (step !== undefined), {
    error: 'name the block to begin at as "step" together with the mode "step", and only then',
  });
export type ExecutionRetry = z.infer<typeof executionRetrySchema>;

/** What came out of an execution, without how. */
export const executionResultSchema = z
  .object({
    id: idSchema("execution"),
    state: executionStateSchema,
    /** False: it goes on, and what is here is what there is so far. */
    ended: z.boolean(),
    confirmed: z.boolean().optional(),
    detail: z.string().optional(),
    durationMs: z.number().optional(),
    /** What steps have handed on, by step. */
    values: z.record(z.string(), stepValuesSchema),
    /** The steps that ended badly, also where that was tolerated. */
    failed: z.array(stepSchema),
  })
  .meta({ id: "ExecutionResult" });

/** What an execution does right after it was asked for something. */
export const executionStateNowSchema = z.object({ id: z.string(), state: executionStateSchema });

const reasonSchema = z.string().max(500).optional();
const noteSchema = z.string().max(10_000).optional();
const answersSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional();

export const executionCancelSchema = z.strictObject({
  reason: reasonSchema,
  /** Waits for nothing: what cannot be confirmed is given up, and `finally` does not run. */
  force: z.boolean().optional(),
});
export const executionPauseSchema = z.strictObject({ reason: reasonSchema });
export const stepAcknowledgeSchema = z.strictObject({ note: noteSchema, values: answersSchema });
export const stepApproveSchema = z.strictObject({
  /** The plan that is approved, as the execution has it: proof of what was looked at. */
  planDigest: z.string().max(64),
  note: noteSchema,
  values: answersSchema,
  /** A `farhand.approval.v1` statement as a compact JWS, for agents that run only what an approver signed. */
  signature: signatureSchema.optional(),
});
export const stepRejectSchema = z.strictObject({
  planDigest: z.string().max(64).optional(),
  note: noteSchema,
});
export const stepConfirmSchema = z.strictObject({ note: noteSchema });
export const stepSkipSchema = z.strictObject({
  reason: z.string().trim().min(1, { error: "say why the step is skipped" }).max(500),
});

export type ExecutionSummary = z.infer<typeof executionSummarySchema>;
export type Execution = z.infer<typeof executionSchema>;
export type ExecutionProgress = z.infer<typeof executionProgressSchema>;
export type Step = z.infer<typeof stepSchema>;
export type QueuePlace = z.infer<typeof queuePlaceSchema>;
export type ExecutionCreate = z.infer<typeof executionCreateSchema>;
