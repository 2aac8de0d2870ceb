import { z } from "zod";
import { runbookWriteSchema } from "#protocol/api/runbooks.ts";
import { problemIssueSchema } from "#protocol/errors.ts";
import { runbookDocumentSchema } from "#protocol/runbook/document.ts";
import { parseRunbook } from "#protocol/runbook/markdown.ts";
import { operation } from "../../http/operation.ts";
import { runbookForms } from "./params.ts";

export const parse = operation(
  {
    method: "post",
    path: "/runbooks/parse",
    tag: "Runbooks",
    summary: "Read Markdown as a runbook, without storing it",
    description: "Answers with the document and warnings, or with every problem; each with line and column.",
    access: "runbooks:read",
    body: runbookWriteSchema,
    example: { source: "```bash\nuptime\n```\n" },
    bodyForms: runbookForms,
    response: z.discriminatedUnion("ok", [
      z.object({
        ok: z.literal(true),
        document: runbookDocumentSchema,
        warnings: z.array(problemIssueSchema).describe("What will run, and hardly does what was meant."),
      }),
      z.object({ ok: z.literal(false), issues: z.array(problemIssueSchema) }),
    ]),
  },
  async ({ body }) => ({ data: parseRunbook(body.source) }),
);
