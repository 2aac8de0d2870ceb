import { z } from "zod";
import { versionSchema } from "#protocol/api/runbooks.ts";
import { tenantDb } from "../../db/tenant.ts";
import { ApiError } from "../../errors.ts";
import { operation } from "../../http/operation.ts";
import { runbookParamsSchema } from "./params.ts";

export const getVersion = operation(
  {
    method: "get",
    path: "/runbooks/{runbookId}/versions/{number}",
    tag: "Runbooks",
    summary: "Get one version of a runbook",
    access: "runbooks:read",
    params: runbookParamsSchema.extend({
      number: z.coerce.number().int({ error: "expected a version number, from 1" }).positive(),
    }),
    response: versionSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    const { runbooks } = tenantDb(c.env.DB, caller.organization.id);
    const version = await runbooks.version(params.runbookId, params.number);
    if (!version) throw new ApiError("not_found", "There is no such version of a runbook with this id.");
    return { data: version };
  },
);
