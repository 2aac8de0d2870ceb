import { z } from "zod";
import { pageQuerySchema } from "#protocol/api/envelope.ts";
import { versionSummarySchema } from "#protocol/api/runbooks.ts";
import { tenantDb } from "../../db/tenant.ts";
import { notFound } from "../../errors.ts";
import { decodeCursor, pageOf } from "../../http/cursor.ts";
import { operation } from "../../http/operation.ts";
import { runbookParamsSchema } from "./params.ts";

const cursorSchema = z.strictObject({ number: z.number().int().positive() });

export const listVersions = operation(
  {
    method: "get",
    path: "/runbooks/{runbookId}/versions",
    tag: "Runbooks",
    summary: "List the versions of a runbook, newest first",
    access: "runbooks:read",
    params: runbookParamsSchema,
    query: pageQuerySchema,
    response: z.array(versionSummarySchema),
    errors: ["not_found", "invalid_cursor"],
  },
  async ({ c, caller, params, query }) => {
    const before = decodeCursor(cursorSchema, query.cursor)?.number;
    const { runbooks } = tenantDb(c.env.DB, caller.organization.id);
    const rows = await runbooks.versions(params.runbookId, before, query.limit + 1);
    if (!rows) throw notFound("runbook");
    const page = pageOf(rows, query.limit, (last) => ({ number: last.number }));
    return { data: page.items, nextCursor: page.nextCursor };
  },
);
