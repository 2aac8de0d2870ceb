/** The kinds that hold other blocks, or another runbook. */
import { z } from "zod";
import { blockTargetSchema, commonShape, expressionSchema, retryShape, valueSchema } from "./common.ts";

export const conditionFieldsSchema = z.strictObject({
  kind: z.literal("condition"),
  ...commonShape,
  if: expressionSchema,
});

/** Branches side by side. When one fails, what runs in the others goes on to its end and nothing new begins. */
export const parallelFieldsSchema = z.strictObject({
  kind: z.literal("parallel"),
  ...commonShape,
  /** Most branches at once; all when absent. */
  concurrency: z.number().int().min(1).max(100).optional(),
});

/** The same blocks for each item of a list, or on each agent that matches. */
export const foreachFieldsSchema = z.strictObject({
  kind: z.literal("foreach"),
  ...commonShape,
  /** A list; `item` and `index` stand for its elements in the blocks below. */
  items: expressionSchema.optional(),
  /** Agents instead: the blocks below run on each of them. */
  target: blockTargetSchema.optional(),
  concurrency: z.number().int().min(1).max(100).optional(),
  /** So many may fail before nothing new begins; 0 when absent. */
  maxFailures: z.number().int().min(0).max(1_000).optional(),
});

/** Another runbook, as an execution of its own. */
export const runbookFieldsSchema = z.strictObject({
  kind: z.literal("runbook"),
  ...commonShape,
  ...retryShape,
  /** Its id or its exact title. */
  runbook: z.string().min(1).max(200),
  /** A version by number; the latest at planning when absent. */
  version: z.number().int().positive().optional(),
  parameters: z.record(z.string().max(63), z.union([valueSchema, z.number(), z.boolean()])).optional(),
});
