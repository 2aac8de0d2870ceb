import { executionPauseSchema, executionStateNowSchema } from "#protocol/api/executions.ts";
import { operation } from "../../http/operation.ts";
import { askExecution } from "../../services/executions/ask.ts";
import { executionParamsSchema } from "./params.ts";

export const pause = operation(
  {
    method: "post",
    path: "/executions/{executionId}/pause",
    tag: "Executions",
    summary: "Pause an execution",
    description: "Steps that run go on to their end; nothing new begins until it is resumed.",
    access: "executions:write",
    params: executionParamsSchema,
    body: executionPauseSchema,
    example: { reason: "looking at the logs first" },
    bodyOptional: true,
    response: executionStateNowSchema,
    errors: ["not_found", "invalid_state"],
  },
  async ({ c, caller, params, body }) => {
    const ask = { type: "pause", actor: caller.actor, reason: body.reason ?? "" } as const;
    return { data: await askExecution(c.env, caller, params.executionId, ask) };
  },
);
