import { z } from "zod";
import { pageQuerySchema } from "#protocol/api/envelope.ts";
import { webhookSchema } from "#protocol/api/webhooks.ts";
import { tenantDb } from "../../db/tenant.ts";
import { decodeCursor, idCursorSchema, pageOf } from "../../http/cursor.ts";
import { operation } from "../../http/operation.ts";

export const list = operation(
  {
    method: "get",
    path: "/webhooks",
    tag: "Webhooks",
    summary: "List webhooks, newest first",
    access: "webhooks:read",
    query: pageQuerySchema,
    response: z.array(webhookSchema),
    errors: ["invalid_cursor"],
  },
  async ({ c, caller, query }) => {
    const before = decodeCursor(idCursorSchema, query.cursor)?.id;
    const rows = await tenantDb(c.env.DB, caller.organization.id).webhooks.list(before, query.limit + 1);
    const page = pageOf(rows, query.limit, (last) => ({ id: last.id }));
    return { data: page.items, nextCursor: page.nextCursor };
  },
);
