import { z } from "zod";
import { actorSchema } from "../actor.ts";
import { idSchema } from "../ids.ts";
import { runbookDocumentSchema } from "../runbook/document.ts";
import { timestampSchema } from "./envelope.ts";

export const runbookSummarySchema = z
  .object({
    id: idSchema("runbook"),
    title: z.string(),
    description: z.string().optional(),
    latestVersion: z.number().int().positive(),
    /** How many blocks of the latest version do something or ask somebody: all but plain text. */
    stepCount: z.number().int(),
    createdAt: timestampSchema,
    updatedAt: timestampSchema,
  })
  .meta({ id: "RunbookSummary" });

export const versionSummarySchema = z
  .object({
    id: idSchema("version"),
    runbookId: idSchema("runbook"),
    number: z.number().int().positive(),
    contentHash: z.string(),
    createdBy: actorSchema,
    createdAt: timestampSchema,
  })
  .meta({ id: "VersionSummary" });

export const versionSchema = versionSummarySchema
  .extend({
    /** The Markdown as it was written. */
    source: z.string(),
    document: runbookDocumentSchema,
  })
  .meta({ id: "Version" });

/** A runbook with its latest version. */
export const runbookSchema = runbookSummarySchema.extend({ version: versionSchema }).meta({ id: "Runbook" });

/** Create, and update: a new source is a new version. */
export const runbookWriteSchema = z.strictObject({
  source: z.string().min(1, { error: "the source is empty" }).describe("The runbook as Markdown."),
});

/** Body of `POST /runbooks/{id}/rollback`. */
export const runbookRollbackSchema = z.strictObject({
  /** By number, or by its id. */
  version: z.union([z.number().int().positive(), idSchema("version")]),
});

export type RunbookSummary = z.infer<typeof runbookSummarySchema>;
export type Runbook = z.infer<typeof runbookSchema>;
export type VersionSummary = z.infer<typeof versionSummarySchema>;
export type Version = z.infer<typeof versionSchema>;
