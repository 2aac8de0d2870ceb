import { executionCancelSchema, executionStateNowSchema } from "#protocol/api/executions.ts";
import { operation } from "../../http/operation.ts";
import { askExecution } from "../../services/executions/ask.ts";
import { executionParamsSchema } from "./params.ts";

export const cancel = operation(
  {
    method: "post",
    path: "/executions/{executionId}/cancel",
    tag: "Executions",
    summary: "Cancel an execution",
    description:
      "Asks it to stop. It has stopped when its state is `canceled`. With `force` it ends at once, whatever is still running.",
    access: "executions:write",
    params: executionParamsSchema,
    body: executionCancelSchema,
    example: { reason: "the wrong release" },
    bodyOptional: true,
    response: executionStateNowSchema,
    errors: ["not_found", "invalid_state"],
  },
  async ({ c, caller, params, body }) => {
    const { reason = "", force = false } = body;
    const ask = { type: "cancel", actor: caller.actor, reason, force } as const;
    return { data: await askExecution(c.env, caller, params.executionId, ask) };
  },
);
