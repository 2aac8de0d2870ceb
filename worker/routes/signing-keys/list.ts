import { z } from "zod";
import { pageQuerySchema } from "#protocol/api/envelope.ts";
import { signingKeySchema } from "#protocol/api/signatures.ts";
import { tenantDb } from "../../db/tenant.ts";
import { decodeCursor, idCursorSchema, pageOf } from "../../http/cursor.ts";
import { operation } from "../../http/operation.ts";

export const list = operation(
  {
    method: "get",
    path: "/signing-keys",
    tag: "Signatures",
    summary: "List public keys, newest first",
    access: "runbooks:read",
    query: pageQuerySchema,
    response: z.array(signingKeySchema),
    errors: ["invalid_cursor"],
  },
  async ({ c, caller, query }) => {
    const before = decodeCursor(idCursorSchema, query.cursor)?.id;
    const rows = await tenantDb(c.env.DB, caller.organization.id).signatures.keys(before, query.limit + 1);
    const page = pageOf(rows, query.limit, (last) => ({ id: last.id }));
    return { data: page.items, nextCursor: page.nextCursor };
  },
);
