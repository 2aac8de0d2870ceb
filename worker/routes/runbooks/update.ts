import { runbookSchema, runbookWriteSchema } from "#protocol/api/runbooks.ts";
import { operation } from "../../http/operation.ts";
import { updateRunbook } from "../../services/runbooks/update.ts";
import { etagOf, ifMatch, ifMatchHeaderSchema } from "./etag.ts";
import { runbookForms, runbookParamsSchema } from "./params.ts";

export const update = operation(
  {
    method: "put",
    path: "/runbooks/{runbookId}",
    tag: "Runbooks",
    summary: "Update a runbook: its source becomes a new version",
    description:
      "A source that is that of the latest version makes no new one. It may be sent as it is, with `Content-Type: text/markdown`.",
    access: "runbooks:write",
    params: runbookParamsSchema,
    headers: ifMatchHeaderSchema,
    body: runbookWriteSchema,
    example: { source: "---\ntitle: Check disks\n---\n\n```bash {name=check}\ndf -h /\n```\n" },
    bodyForms: runbookForms,
    response: runbookSchema,
    errors: ["not_found", "precondition_required", "precondition_failed", "invalid_runbook"],
  },
  async ({ c, caller, params, body }) => {
    const expects = ifMatch(c.req.header("if-match"));
    const runbook = await updateRunbook(c.env, caller, {
      runbookId: params.runbookId,
      source: body.source,
      expects,
    });
    return { data: runbook, headers: { etag: etagOf(runbook.latestVersion) } };
  },
);
