/**
 * What blocks of every kind have in common. A kind's own file holds its schema;
 * how it behaves is in `worker/blocks/`, how an agent does it in `agent/runners/`.
 */
import { z } from "zod";
import {
  CHUNK_MAX_BYTES,
  EXPRESSION_MAX_LENGTH,
  OUTPUT_MAX_BYTES,
  SCRIPT_MAX_BYTES,
  STEP_TIMEOUT_MAX_MS,
  WAIT_MAX_MS,
} from "../limits.ts";
import { parameterSchema } from "../runbook/parameters.ts";

/** A block's name within its runbook; also its part of a step's path, so it is kept URL-safe. */
export const blockIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
  error: "a block name is 1–63 lower-case letters, digits and hyphens, starting with a letter or digit",
});

/** Names of environment variables. Those that begin with FARHAND_ are the product's own. */
export const environmentNameSchema = z.string().regex(/^(?!FARHAND_)[A-Za-z_][A-Za-z0-9_]{0,127}$/, {
  error: "an environment name is letters, digits and underscores, and does not begin with FARHAND_",
});

/** Names of the values that a step hands on. */
export const outputNameSchema = z.string().regex(/^(?!__proto__$)[a-zA-Z_][a-zA-Z0-9_]{0,62}$/, {
  error: "an output name is letters, digits and underscores, starting with a letter, and not __proto__",
});

/** A CEL expression over `params`, `steps`, `item`, `index`, `agent` and `execution`. */
export const expressionSchema = z
  .string()
  .trim()
  .min(1, { error: "an expression may not be empty" })
  .max(EXPRESSION_MAX_LENGTH);

/** Text as it stands, or the result of an expression. It stays data: nothing is ever pasted into a script. */
export const valueSchema = z.union([
  z
    .string()
    .max(SCRIPT_MAX_BYTES)
    .refine((text) => !text.includes("\0"), { error: "NUL bytes are not possible here" }),
  z.strictObject({ expr: expressionSchema }),
]);
export type Value = z.infer<typeof valueSchema>;

export const durationSchema = z.number().int().min(1_000).max(STEP_TIMEOUT_MAX_MS);
export const waitSchema = z.number().int().min(1_000).max(WAIT_MAX_MS);

export const labelsSchema = z.record(z.string().min(1).max(63), z.string().max(255));

/** Of the labels that agents find out about their hosts; none that people give begins with it. */
export const FACT_PREFIX = "host.";

/** Those of an agent's labels that it found out by itself. */
export function factsIn(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => name.startsWith(FACT_PREFIX)));
}

/** Labels that people give an agent. */
export const givenLabelsSchema = labelsSchema.refine(
  (labels) => !Object.keys(labels).some((key) => key.startsWith(FACT_PREFIX)),
  {
    error: `labels that begin with ${FACT_PREFIX} are what agents find out by themselves; choose another name`,
  },
);

export const poolNameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
  error: "a pool name is 1–63 lower-case letters, digits and hyphens",
});

/** Which agents may run it: a pool by name, and labels that all have to match. */
export const targetSchema = z
  .strictObject({
    pool: poolNameSchema.optional(),
    labels: labelsSchema.optional(),
  })
  .meta({ id: "Target" });
export type Target = z.infer<typeof targetSchema>;

/**
 * Where one block runs, when not where the runbook runs. `one`: on any agent
 * that matches. `all`: on each of them at once. `rolling`: on each of them,
 * `batch` at a time, and no further once more than `maxFailures` have failed.
 */
export const blockTargetSchema = targetSchema.extend({
  mode: z.enum(["one", "all", "rolling"]).optional(),
  batch: z.number().int().min(1).max(200).optional(),
  maxFailures: z.number().int().min(0).max(1_000).optional(),
  /** Milliseconds between one batch and the next. */
  pauseMs: waitSchema.optional(),
  /** What to do while no agent matches; `wait` when absent. */
  whenNone: z.enum(["wait", "fail"]).optional(),
  /** How long to wait for an agent, ms. */
  waitMs: waitSchema.optional(),
});
export type BlockTarget = z.infer<typeof blockTargetSchema>;

/** On what a step may be tried again. `unknown` needs a block that is `idempotent` (rule ST2). */
export const RETRY_ON = ["failed", "timed_out", "unknown"] as const;

export const retrySchema = z.strictObject({
  maxAttempts: z.number().int().min(2).max(20),
  /** Milliseconds before the second attempt. */
  delayMs: z.number().int().min(0).max(3_600_000).optional(),
  /** By how much each further pause is longer. */
  factor: z.number().min(1).max(10).optional(),
  maxDelayMs: z.number().int().min(0).max(86_400_000).optional(),
  on: z.array(z.enum(RETRY_ON)).min(1).optional(),
});
export type Retry = z.infer<typeof retrySchema>;

export const lockSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
    error: "a lock name is lower-case letters, digits, dots, underscores and hyphens",
  }),
  /** `exclusive` when absent: nobody else has it meanwhile. */
  mode: z.enum(["shared", "exclusive"]).optional(),
});
export const locksSchema = z.array(lockSchema).min(1).max(10);

export const formSchema = z.array(parameterSchema).min(1).max(20);

/** Fields of every block. */
export const commonShape = {
  id: blockIdSchema,
  title: z.string().min(1).max(200).optional(),
  /** Skipped unless this is true. */
  when: expressionSchema.optional(),
  /** Milliseconds until it is stopped, with everything in it. */
  timeoutMs: durationSchema.optional(),
  /** `continue`: its failure is recorded and tolerated. `stop` when absent. */
  onFailure: z.enum(["stop", "continue"]).optional(),
  /** Asks a person before it begins; a text is the question. */
  confirm: z.union([z.literal(true), z.string().min(1).max(500)]).optional(),
  /** Held from before it begins until it has ended. */
  locks: locksSchema.optional(),
} as const;

/** Fields of the blocks that may be tried again. */
export const retryShape = {
  retry: retrySchema.optional(),
  /** Running it twice does no more than running it once. */
  idempotent: z.boolean().optional(),
} as const;

/** Fields of the blocks that an agent carries out. */
export const agentShape = {
  ...retryShape,
  target: blockTargetSchema.optional(),
  /** Bytes of output that are kept; the default of the product when absent. */
  outputLimitBytes: z.number().int().min(CHUNK_MAX_BYTES).max(OUTPUT_MAX_BYTES).optional(),
  /** What a lost connection means for a running step (rule LS3); `continue` when absent. */
  onDisconnect: z.enum(["continue", "stop"]).optional(),
} as const;
