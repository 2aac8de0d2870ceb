import { runbookRollbackSchema, runbookSchema } from "#protocol/api/runbooks.ts";
import { operation } from "../../http/operation.ts";
import { rollBackRunbook } from "../../services/runbooks/update.ts";
import { etagOf, ifMatch, ifMatchHeaderSchema } from "./etag.ts";
import { runbookParamsSchema } from "./params.ts";

export const rollback = operation(
  {
    method: "post",
    path: "/runbooks/{runbookId}/rollback",
    tag: "Runbooks",
    summary: "Roll a runbook back: the content of an earlier version becomes a new one",
    description:
      "Nothing of the history is lost. Rolling back to what the latest version says makes no new one.",
    access: "runbooks:write",
    params: runbookParamsSchema,
    headers: ifMatchHeaderSchema,
    body: runbookRollbackSchema,
    example: { version: 1 },
    response: runbookSchema,
    errors: ["not_found", "precondition_required", "precondition_failed", "invalid_runbook"],
  },
  async ({ c, caller, params, body }) => {
    const expects = ifMatch(c.req.header("if-match"));
    const { runbookId } = params;
    const runbook = await rollBackRunbook(c.env, caller, { runbookId, version: body.version, expects });
    return { data: runbook, headers: { etag: etagOf(runbook.latestVersion) } };
  },
);
