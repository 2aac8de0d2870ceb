import { z } from "zod";

export const runbookParamsSchema = z.object({ runbookId: z.string().describe("An id like rb_…") });

/** A runbook's own format, for bodies that are nothing else. */
export const runbookForms = { "text/markdown": (source: string) => ({ source }) };
