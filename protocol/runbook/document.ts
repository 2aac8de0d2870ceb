/**
 * A runbook as canonical JSON: what a version stores, hashes and runs. Blocks
 * form a tree. The Markdown format prints to and parses from exactly this.
 */
import { z } from "zod";
import { locksSchema, targetSchema, waitSchema } from "../blocks/common.ts";
import { type Block, blockSchema, isTooDeep, walkBlocks } from "../blocks/index.ts";
import { BLOCK_DEPTH_MAX, BLOCKS_MAX } from "../limits.ts";
import { parametersSchema } from "./parameters.ts";

const fieldsSchema = z
  .strictObject({
    schema: z.literal(1),
    title: z.string().trim().min(1, { error: "a runbook needs a title" }).max(200),
    description: z.string().max(2_000).optional(),
    parameters: parametersSchema,
    target: targetSchema,
    /** Milliseconds from its start until the whole execution is stopped. */
    timeoutMs: waitSchema.optional(),
    /** Held for the whole execution. */
    locks: locksSchema.optional(),
    blocks: z.array(blockSchema).max(BLOCKS_MAX),
    /** Run at the end, whatever happened before. */
    finally: z.array(blockSchema).max(BLOCKS_MAX).optional(),
  })
  .meta({ id: "RunbookDocument" });

export const runbookDocumentSchema = z
  .preprocess((data, context) => {
    if (!isTooDeep(data)) return data;
    context.addIssue({
      code: "custom",
      message: "blocks are nested too deeply; use other runbooks as blocks",
    });
    return z.NEVER;
  }, fieldsSchema)
  .superRefine((document, context) => {
    reportTree(document, context);
    reportRepeats(
      document.parameters.map((each) => each.name.toUpperCase()),
      "parameters",
      "parameter",
      context,
    );
  });

/** Names are unique in the whole tree: they are what expressions, paths and links go by. */
function reportTree(document: z.infer<typeof fieldsSchema>, context: z.RefinementCtx): void {
  const names: string[] = [];
  for (const { block, depth } of walkBlocks([...document.blocks, ...(document.finally ?? [])])) {
    names.push(block.id);
    if (depth === BLOCK_DEPTH_MAX) {
      const message = `"${block.id}" lies ${depth} blocks deep; at most ${BLOCK_DEPTH_MAX - 1} are possible`;
      context.addIssue({ code: "custom", path: ["blocks"], message });
    }
  }
  reportRepeats(names, "blocks", "block name", context);
  if (names.length > BLOCKS_MAX) {
    const message = `this runbook has ${names.length} blocks; at most ${BLOCKS_MAX} are possible`;
    context.addIssue({ code: "custom", path: ["blocks"], message });
  }
}

function reportRepeats(names: string[], key: string, noun: string, context: z.RefinementCtx): void {
  const seen = new Set<string>();
  names.forEach((name, index) => {
    if (seen.has(name)) {
      context.addIssue({
        code: "custom",
        path: [key, index],
        message: `the ${noun} "${name}" is used twice`,
      });
    }
    seen.add(name);
  });
}

export type RunbookDocument = Omit<z.infer<typeof fieldsSchema>, "blocks" | "finally"> & {
  blocks: Block[];
  finally?: Block[];
};
