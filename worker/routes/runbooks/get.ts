import { runbookSchema } from "#protocol/api/runbooks.ts";
import { tenantDb } from "../../db/tenant.ts";
import { notFound } from "../../errors.ts";
import { operation } from "../../http/operation.ts";
import { etagOf } from "./etag.ts";
import { runbookParamsSchema } from "./params.ts";

export const get = operation(
  {
    method: "get",
    path: "/runbooks/{runbookId}",
    tag: "Runbooks",
    summary: "Get a runbook with its latest version",
    description: "The ETag of the answer is what an update sends as If-Match.",
    access: "runbooks:read",
    params: runbookParamsSchema,
    response: runbookSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    const runbook = await tenantDb(c.env.DB, caller.organization.id).runbooks.get(params.runbookId);
    if (!runbook) throw notFound("runbook");
    return { data: runbook, headers: { etag: etagOf(runbook.latestVersion) } };
  },
);
