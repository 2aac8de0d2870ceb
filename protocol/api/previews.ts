/** What an execution would do, without doing any of it. */
import { z } from "zod";
import { labelsSchema } from "../blocks/common.ts";
import { idSchema } from "../ids.ts";
import { planSchema } from "../plan.ts";
import { blockDifferenceSchema } from "./differences.ts";
import { timestampSchema } from "./envelope.ts";

const plannedStepSchema = z.object({
  /** Name of its block. */
  id: z.string(),
  kind: z.string(),
  title: z.string(),
  /** The block around it, and which of its lists it is in: `then`, `else`, `branch 2`, `each`, `finally`, `undo`. */
  parent: z.string().optional(),
  list: z.string().optional(),
  /** In words, why it will not run. */
  skipped: z.string().optional(),
  /** It only runs when this holds. */
  when: z.string().optional(),
  /** Which agents carry it out; absent for what needs none. */
  where: z
    .object({ poolName: z.string(), labels: labelsSchema, mode: z.enum(["one", "all", "rolling"]) })
    .optional(),
  /** Names of the secrets that its agent gives it. */
  secrets: z.array(z.string()).optional(),
  /** The version of another runbook that it starts: one of `runbooks`. */
  startsVersion: z.string().optional(),
});

const plannedTargetSchema = z.object({
  poolName: z.string(),
  labels: labelsSchema,
  /** Programs that commands need there. */
  interpreters: z.array(z.string()),
  /** By interpreter: how many of the matching agents do not have it, as far as they tell. */
  lacking: z.record(z.string(), z.number().int()),
  /** Secrets that steps use there. */
  secrets: z.array(z.string()),
  /** By secret: how many of the matching agents do not hold it, as far as they tell. */
  lackingSecrets: z.record(z.string(), z.number().int()),
  /** Connected agents that match now, and how many of them have a free slot. */
  matching: z.number().int(),
  free: z.number().int(),
  /** Connected agents with these labels that take no new work, and so do not match. */
  draining: z.number().int(),
  /** The first of them. */
  agents: z.array(z.object({ id: z.string(), name: z.string(), busy: z.boolean() })),
});

const plannedQuestionSchema = z.object({
  step: z.string(),
  for: z.enum(["approval", "confirmation", "acknowledgement"]),
  question: z.string().optional(),
  /** How many have to approve. */
  required: z.number().int().optional(),
  people: z.array(z.string()).optional(),
  roles: z.array(z.string()).optional(),
});

const valueSchema = z.union([z.string(), z.number(), z.boolean()]);

export const previewSchema = z
  .object({
    /** Everything resolved. Marked by its nonce, and expired from the start: no agent would run it. */
    plan: planSchema,
    planDigest: z.string(),
    steps: z.array(plannedStepSchema),
    /** Runbooks that blocks start, with what these would do. */
    runbooks: z.array(
      z.object({
        versionId: z.string(),
        runbookId: z.string(),
        versionNumber: z.number().int(),
        title: z.string(),
        steps: z.array(plannedStepSchema),
      }),
    ),
    targets: z.array(plannedTargetSchema),
    /** In words, what would keep it waiting or make it fail: agents that are not there, interpreters and secrets that they lack. */
    missing: z.array(z.string()),
    /** What people will be asked. */
    questions: z.array(plannedQuestionSchema),
    /** From the last executions that succeeded: the median, and of how many. */
    expected: z.object({ durationMs: z.number(), executions: z.number().int() }).optional(),
    /** How it is different from the last execution that succeeded; absent when there is none. */
    difference: z
      .object({
        executionId: idSchema("execution"),
        finishedAt: timestampSchema.optional(),
        /** The version that it ran. */
        versionNumber: z.number().int(),
        parameters: z.array(
          z.object({ name: z.string(), before: valueSchema.optional(), after: valueSchema.optional() }),
        ),
        blocks: blockDifferenceSchema,
      })
      .optional(),
  })
  .meta({ id: "Preview" });

export type Preview = z.infer<typeof previewSchema>;
export type PlannedStep = z.infer<typeof plannedStepSchema>;
export type PlannedTarget = z.infer<typeof plannedTargetSchema>;
export type PlannedQuestion = z.infer<typeof plannedQuestionSchema>;
