import { z } from "zod";
import { pageQuerySchema } from "#protocol/api/envelope.ts";
import { runbookSummarySchema } from "#protocol/api/runbooks.ts";
import { tenantDb } from "../../db/tenant.ts";
import { cursorTimeSchema, decodeCursor, pageOf } from "../../http/cursor.ts";
import { operation } from "../../http/operation.ts";

const cursorSchema = z.strictObject({ updatedAt: cursorTimeSchema, id: z.string() });

export const list = operation(
  {
    method: "get",
    path: "/runbooks",
    tag: "Runbooks",
    summary: "List runbooks, last changed first",
    access: "runbooks:read",
    query: pageQuerySchema,
    response: z.array(runbookSummarySchema),
    errors: ["invalid_cursor"],
  },
  async ({ c, caller, query }) => {
    const after = decodeCursor(cursorSchema, query.cursor);
    const rows = await tenantDb(c.env.DB, caller.organization.id).runbooks.list(after, query.limit + 1);
    const page = pageOf(rows, query.limit, (last) => ({
      updatedAt: Date.parse(last.updatedAt),
      id: last.id,
    }));
    return { data: page.items, nextCursor: page.nextCursor };
  },
);
