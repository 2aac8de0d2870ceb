import { runbookSchema, runbookWriteSchema } from "#protocol/api/runbooks.ts";
import { API_PREFIX, operation } from "../../http/operation.ts";
import { createRunbook } from "../../services/runbooks/create.ts";
import { etagOf } from "./etag.ts";
import { runbookForms } from "./params.ts";

export const create = operation(
  {
    method: "post",
    path: "/runbooks",
    tag: "Runbooks",
    summary: "Create a runbook from Markdown",
    description: "As JSON, or the Markdown as it is, with `Content-Type: text/markdown`.",
    access: "runbooks:write",
    body: runbookWriteSchema,
    example: { source: "---\ntitle: Check disks\n---\n\n```bash {name=check}\ndf -h\n```\n" },
    bodyForms: runbookForms,
    response: runbookSchema,
    status: 201,
    errors: ["invalid_runbook"],
  },
  async ({ c, caller, body }) => {
    const runbook = await createRunbook(c.env, caller, body.source);
    const headers = { etag: etagOf(runbook.latestVersion), location: `${API_PREFIX}/runbooks/${runbook.id}` };
    return { data: runbook, headers };
  },
);
