import { z } from "zod";
import { pageQuerySchema } from "#protocol/api/envelope.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import { tenantDb } from "../../db/tenant.ts";
import { decodeCursor, pageOf } from "../../http/cursor.ts";
import { operation } from "../../http/operation.ts";

const cursorSchema = z.strictObject({ name: z.string() });

export const list = operation(
  {
    method: "get",
    path: "/pools",
    tag: "Agents",
    summary: "List pools by name",
    access: "agents:read",
    query: pageQuerySchema,
    response: z.array(poolSchema),
    errors: ["invalid_cursor"],
  },
  async ({ c, caller, query }) => {
    const after = decodeCursor(cursorSchema, query.cursor)?.name;
    const rows = await tenantDb(c.env.DB, caller.organization.id).pools.list(after, query.limit + 1);
    const page = pageOf(rows, query.limit, (last) => ({ name: last.name }));
    return { data: page.items, nextCursor: page.nextCursor };
  },
);
