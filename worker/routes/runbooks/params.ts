import { z } from "zod";

export const runbookParamsSchema = z.object({ runbookId: z.string().describe("An id like rb_…") });

export const versionParamsSchema = runbookParamsSchema.extend({
  number: z.coerce.number().int({ error: "expected a version number, from 1" }).positive(),
});

/** A runbook's own format, for bodies that are nothing else. */
export const runbookForms = { "text/markdown": (source: string) => ({ source }) };
