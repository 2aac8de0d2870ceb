import { executionStateNowSchema } from "#protocol/api/executions.ts";
import { operation } from "../../http/operation.ts";
import { askExecution } from "../../services/executions/ask.ts";
import { executionParamsSchema } from "./params.ts";

export const resume = operation(
  {
    method: "post",
    path: "/executions/{executionId}/resume",
    tag: "Executions",
    summary: "Resume a paused execution",
    access: "executions:write",
    params: executionParamsSchema,
    response: executionStateNowSchema,
    errors: ["not_found", "invalid_state"],
  },
  async ({ c, caller, params }) => {
    const ask = { type: "resume", actor: caller.actor } as const;
    return { data: await askExecution(c.env, caller, params.executionId, ask) };
  },
);
