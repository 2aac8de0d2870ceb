/**
 * A runbook as canonical JSON: what a version stores, hashes and runs. Blocks
 * form a tree; today's kinds are leaves, later kinds carry subtrees. The
 * Markdown format prints to and parses from exactly this.
 */
import { z } from "zod";
import {
  BLOCKS_MAX,
  CHUNK_MAX_BYTES,
  OUTPUT_MAX_BYTES,
  SCRIPT_MAX_BYTES,
  STEP_TIMEOUT_MAX_MS,
} from "../limits.ts";
import { parametersSchema } from "./parameters.ts";

const utf8 = new TextEncoder();

/** A block's name within its runbook; also its part of a step's path, so it is kept URL-safe. */
export const blockIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
  error: "a block name is 1–63 lower-case letters, digits and hyphens, starting with a letter or digit",
});

export const INTERPRETERS = ["bash", "sh"] as const;
export type Interpreter = (typeof INTERPRETERS)[number];

/** Text for a person. It is shown in its place and never holds an execution up. */
export const instructionBlockSchema = z.strictObject({
  kind: z.literal("instruction"),
  id: blockIdSchema,
  markdown: z.string().min(1).max(SCRIPT_MAX_BYTES),
});

/** A shell script that an agent runs. Parameters reach it as environment, never as text. */
export const commandBlockSchema = z.strictObject({
  kind: z.literal("command"),
  id: blockIdSchema,
  title: z.string().min(1).max(200).optional(),
  interpreter: z.enum(INTERPRETERS),
  script: z
    .string()
    .min(1, { error: "a command block needs a script" })
    .refine((text) => utf8.encode(text).length <= SCRIPT_MAX_BYTES, {
      error: `a script may have at most ${SCRIPT_MAX_BYTES / 1024} KiB`,
    })
    .refine((text) => !text.includes("\0"), { error: "a script may not contain NUL bytes" }),
  /** Milliseconds until the step is stopped; the limit of the product when absent. */
  timeoutMs: z.number().int().min(1_000).max(STEP_TIMEOUT_MAX_MS).optional(),
  /** Bytes of output that are kept; the default of the product when absent. */
  outputLimitBytes: z.number().int().min(CHUNK_MAX_BYTES).max(OUTPUT_MAX_BYTES).optional(),
  /** What a lost connection means for a running step (rule LS3); `continue` when absent. */
  onDisconnect: z.enum(["continue", "stop"]).optional(),
});

export const blockSchema = z
  .discriminatedUnion("kind", [instructionBlockSchema, commandBlockSchema])
  .meta({ id: "Block" });

/** Which agents may run it: a pool by name, and labels that all have to match. */
export const targetSchema = z
  .strictObject({
    pool: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
        error: "a pool name is lower-case letters, digits and hyphens",
      })
      .optional(),
    labels: z.record(z.string().min(1).max(63), z.string().max(255)).optional(),
  })
  .meta({ id: "Target" });

export const runbookDocumentSchema = z
  .strictObject({
    schema: z.literal(1),
    title: z.string().trim().min(1, { error: "a runbook needs a title" }).max(200),
    description: z.string().max(2_000).optional(),
    parameters: parametersSchema,
    target: targetSchema,
    blocks: z.array(blockSchema).max(BLOCKS_MAX),
  })
  .superRefine((document, context) => {
    reportRepeats(
      document.blocks.map((block) => block.id),
      "blocks",
      "block name",
      context,
    );
    reportRepeats(
      document.parameters.map((each) => each.name.toUpperCase()),
      "parameters",
      "parameter",
      context,
    );
  })
  .meta({ id: "RunbookDocument" });

function reportRepeats(names: string[], key: string, noun: string, context: z.RefinementCtx): void {
  names.forEach((name, index) => {
    if (names.indexOf(name) !== index) {
      context.addIssue({
        code: "custom",
        path: [key, index],
        message: `the ${noun} "${name}" is used twice`,
      });
    }
  });
}

export type InstructionBlock = z.infer<typeof instructionBlockSchema>;
export type CommandBlock = z.infer<typeof commandBlockSchema>;
export type Block = z.infer<typeof blockSchema>;
export type BlockKind = Block["kind"];
export type Target = z.infer<typeof targetSchema>;
export type RunbookDocument = z.infer<typeof runbookDocumentSchema>;
