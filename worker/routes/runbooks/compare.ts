import { z } from "zod";
import { comparisonSchema } from "#protocol/api/differences.ts";
import { operation } from "../../http/operation.ts";
import { compareVersions } from "../../services/runbooks/compare.ts";
import { runbookParamsSchema } from "./params.ts";

const numberSchema = z.coerce.number().int({ error: "expected a version number, from 1" }).positive();

export const compare = operation(
  {
    method: "get",
    path: "/runbooks/{runbookId}/compare",
    tag: "Runbooks",
    summary: "Compare two versions of a runbook",
    access: "runbooks:read",
    params: runbookParamsSchema,
    query: z.strictObject({ from: numberSchema, to: numberSchema }),
    response: comparisonSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params, query }) => ({
    data: await compareVersions(c.env, caller, params.runbookId, query),
  }),
);
