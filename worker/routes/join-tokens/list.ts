import { z } from "zod";
import { pageQuerySchema } from "#protocol/api/envelope.ts";
import { joinTokenSchema } from "#protocol/api/pools.ts";
import { tenantDb } from "../../db/tenant.ts";
import { decodeCursor, idCursorSchema, pageOf } from "../../http/cursor.ts";
import { operation } from "../../http/operation.ts";

export const list = operation(
  {
    method: "get",
    path: "/join-tokens",
    tag: "Agents",
    summary: "List join tokens, newest first",
    access: "agents:read",
    query: pageQuerySchema,
    response: z.array(joinTokenSchema),
    errors: ["invalid_cursor"],
  },
  async ({ c, caller, query }) => {
    const before = decodeCursor(idCursorSchema, query.cursor)?.id;
    const rows = await tenantDb(c.env.DB, caller.organization.id).joinTokens.list(before, query.limit + 1);
    const page = pageOf(rows, query.limit, (last) => ({ id: last.id }));
    return { data: page.items, nextCursor: page.nextCursor };
  },
);
