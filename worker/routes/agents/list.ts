import { z } from "zod";
import { pageQuerySchema } from "#protocol/api/envelope.ts";
import { agentSchema } from "#protocol/api/pools.ts";
import { tenantDb } from "../../db/tenant.ts";
import { decodeCursor, idCursorSchema, pageOf } from "../../http/cursor.ts";
import { operation } from "../../http/operation.ts";
import { withPresence } from "../../services/agents/presence.ts";

export const list = operation(
  {
    method: "get",
    path: "/agents",
    tag: "Agents",
    summary: "List agents with what they are doing now",
    access: "agents:read",
    query: pageQuerySchema,
    response: z.array(agentSchema),
    errors: ["invalid_cursor"],
  },
  async ({ c, caller, query }) => {
    const organizationId = caller.organization.id;
    const after = decodeCursor(idCursorSchema, query.cursor)?.id;
    const rows = await tenantDb(c.env.DB, organizationId).agents.list(after, query.limit + 1);
    const page = pageOf(rows, query.limit, (last) => ({ id: last.id }));
    const data = await withPresence(c.env, organizationId, page.items);
    return { data, nextCursor: page.nextCursor };
  },
);
