import { z } from "zod";
import { pageQuerySchema } from "#protocol/api/envelope.ts";
import { executionSummarySchema } from "#protocol/api/executions.ts";
import { executionStateSchema } from "#protocol/states.ts";
import { cursorTimeSchema, decodeCursor } from "../../http/cursor.ts";
import { operation } from "../../http/operation.ts";
import { listExecutions } from "../../services/executions/list.ts";

const cursorSchema = z.strictObject({ createdAt: cursorTimeSchema, id: z.string() });

export const list = operation(
  {
    method: "get",
    path: "/executions",
    tag: "Executions",
    summary: "List executions, newest first",
    description:
      "Filtered by a state that has not ended, a page may have fewer entries than its limit; follow the cursor to the end.",
    access: "executions:read",
    query: pageQuerySchema.extend({
      runbookId: z.string().optional(),
      state: executionStateSchema.optional(),
    }),
    response: z.array(executionSummarySchema),
    errors: ["invalid_cursor"],
  },
  async ({ c, caller, query: { cursor, limit, runbookId, state } }) => {
    const after = decodeCursor(cursorSchema, cursor);
    const page = await listExecutions(c.env, caller.organization.id, { runbookId, state }, after, limit);
    return { data: page.items, nextCursor: page.nextCursor };
  },
);
