import { signedVersionSchema } from "#protocol/api/signatures.ts";
import { tenantDb } from "../../db/tenant.ts";
import { ApiError } from "../../errors.ts";
import { operation } from "../../http/operation.ts";
import { versionParamsSchema } from "./params.ts";

export const getVersion = operation(
  {
    method: "get",
    path: "/runbooks/{runbookId}/versions/{number}",
    tag: "Runbooks",
    summary: "Get one version of a runbook, with its signatures",
    access: "runbooks:read",
    params: versionParamsSchema,
    response: signedVersionSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    const { runbooks, signatures } = tenantDb(c.env.DB, caller.organization.id);
    const version = await runbooks.version(params.runbookId, params.number);
    if (!version) throw new ApiError("not_found", "There is no such version of a runbook with this id.");
    return { data: { ...version, signatures: await signatures.ofVersion(version.id) } };
  },
);
