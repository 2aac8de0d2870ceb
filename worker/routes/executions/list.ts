import { z } from "zod";
import { pageQuerySchema } from "#protocol/api/envelope.ts";
import { executionSummarySchema } from "#protocol/api/executions.ts";
import { type ExecutionState, executionStateSchema } from "#protocol/states.ts";
import { ApiError } from "../../errors.ts";
import { cursorTimeSchema, decodeCursor } from "../../http/cursor.ts";
import { operation } from "../../http/operation.ts";
import { listExecutions } from "../../services/executions/list.ts";

const cursorSchema = z.strictObject({ createdAt: cursorTimeSchema, id: z.string() });

const momentSchema = z.iso.datetime({ offset: true, error: "expected a time such as 2026-05-01T12:00:00Z" });

export const list = operation(
  {
    method: "get",
    path: "/executions",
    tag: "Executions",
    summary: "List executions, newest first",
    description:
      "Every filter that is given has to hold. Filtered by a state that has not ended, or by agent, a page may have fewer entries than its limit; follow the cursor to the end.",
    access: "executions:read",
    query: pageQuerySchema.extend({
      runbookId: z.string().optional(),
      state: z.string().max(200).optional().describe("One state, or several with commas in between."),
      trigger: z.enum(["user", "api_key", "parent", "retry"]).optional().describe("What started it."),
      person: z
        .string()
        .max(100)
        .optional()
        .describe("Started by the person with this id, also through a key; or by the key with this id."),
      mine: z.enum(["0", "1"]).optional().describe("1: only what you started, also through your keys."),
      agentId: z.string().max(100).optional().describe("A step of it went to this agent."),
      since: momentSchema.optional().describe("Created at this time or later."),
      until: momentSchema.optional().describe("Created before this time."),
      text: z.string().trim().min(1).max(200).optional().describe("Part of the title, in any case."),
    }),
    response: z.array(executionSummarySchema),
    errors: ["invalid_cursor"],
  },
  async ({ c, caller, query: { cursor, limit, state, since, until, mine, ...rest } }) => {
    const after = decodeCursor(cursorSchema, cursor);
    const filter = {
      ...rest,
      states: state === undefined ? undefined : statesOf(state),
      since: since === undefined ? undefined : Date.parse(since),
      until: until === undefined ? undefined : Date.parse(until),
      requesterId: mine === "1" ? caller.userId : undefined,
    };
    const page = await listExecutions(c.env, caller.organization.id, filter, after, limit);
    return { data: page.items, nextCursor: page.nextCursor };
  },
);

function statesOf(text: string): ExecutionState[] {
  return text.split(",").map((name) => {
    const state = executionStateSchema.safeParse(name.trim());
    if (state.success) return state.data;
    const known = executionStateSchema.options.join(", ");
    throw new ApiError("invalid_request", `There is no state "${name.slice(0, 50)}"; there are ${known}.`);
  });
}
