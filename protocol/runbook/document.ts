/**
 * A runbook as canonical JSON: what a version stores, hashes and runs. Blocks
 * form a tree. The Markdown format prints to and parses from exactly this.
 */
import { z } from "zod";
import { locksSchema, targetSchema, waitSchema } from "../blocks/common.ts";
import { type Block, blockSchema, isTooDeep } from "../blocks/index.ts";
import { BLOCK_DEPTH_MAX, BLOCKS_MAX } from "../limits.ts";
import { nameSchema } from "../names.ts";
import { parametersSchema } from "./parameters.ts";
import { walkDocument } from "./walk.ts";

const TOO_MANY = `this is one block too many: a runbook has at most ${BLOCKS_MAX}, so split it`;

const fieldsSchema = z
  .strictObject({
    schema: z.literal(1),
    title: nameSchema(200, "a runbook needs a title"),
    description: z.string().max(2_000).optional(),
    parameters: parametersSchema,
    target: targetSchema,
    /** Milliseconds from its start until the whole execution is stopped. */
    timeoutMs: waitSchema.optional(),
    /** Held for the whole execution. */
    locks: locksSchema.optional(),
    blocks: z.array(blockSchema).max(BLOCKS_MAX, { error: TOO_MANY }),
    /** Run at the end, whatever happened before. */
    finally: z
      .array(blockSchema)
      .min(1, { error: "what is to be done at the end is missing; write it below, or remove the mark" })
      .max(BLOCKS_MAX, { error: TOO_MANY })
      .optional(),
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
    const report = (path: readonly PropertyKey[], message: string) =>
      context.addIssue({ code: "custom", path: [...path], message });
    reportTree(document, report);
    reportRepeats(
      document.parameters.map(({ name }, index) => ({ name, path: ["parameters", index] })),
      "parameter",
      report,
    );
  });

type Report = (path: readonly PropertyKey[], message: string) => void;

/** Names are unique in the whole tree: they are what expressions, paths and links go by. */
function reportTree(document: z.infer<typeof fieldsSchema>, report: Report): void {
  const places = [...walkDocument(document)];
  for (const { block, path, depth } of places) {
    if (depth !== BLOCK_DEPTH_MAX) continue;
    report(path, `"${block.id}" lies ${depth} blocks deep; at most ${BLOCK_DEPTH_MAX - 1} are possible`);
  }
  reportRepeats(
    places.map(({ block, path }) => ({ name: block.id, path: [...path, "id"] })),
    "block name",
    report,
  );
  const surplus = places[BLOCKS_MAX];
  if (surplus) report(surplus.path, TOO_MANY);
}

/** Parameters become environment, where some systems know no capitals: those are no difference. */
function reportRepeats(
  named: readonly { name: string; path: readonly PropertyKey[] }[],
  noun: string,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const { name, path } of named) {
    const key = name.toUpperCase();
    if (seen.has(key)) report(path, `the ${noun} "${name}" is used twice`);
    seen.add(key);
  }
}

export type RunbookDocument = Omit<z.infer<typeof fieldsSchema>, "blocks" | "finally"> & {
  blocks: Block[];
  finally?: Block[];
};
