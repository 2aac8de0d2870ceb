import { z } from "zod";
import { executionCancelSchema } from "#protocol/api/executions.ts";
import { executionStateSchema } from "#protocol/states.ts";
import { operation } from "../../http/operation.ts";
import { cancelExecution } from "../../services/executions/cancel.ts";
import { executionParamsSchema } from "./params.ts";

export const cancel = operation(
  {
    method: "post",
    path: "/executions/{executionId}/cancel",
    tag: "Executions",
    summary: "Cancel an execution",
    description: "Asks it to stop. It has stopped when its state is `canceled`.",
    access: "executions:write",
    params: executionParamsSchema,
    body: executionCancelSchema,
    bodyOptional: true,
    response: z.object({ id: z.string(), state: executionStateSchema }),
    errors: ["not_found", "invalid_state"],
  },
  async ({ c, caller, params, body }) => {
    const state = await cancelExecution(c.env, caller, params.executionId, body.reason ?? "");
    return { data: { id: params.executionId, state } };
  },
);
