import { executionCreateSchema } from "#protocol/api/executions.ts";
import { previewSchema } from "#protocol/api/previews.ts";
import { operation } from "../../http/operation.ts";
import { previewExecution } from "../../services/executions/preview.ts";
import { runbookParamsSchema } from "./params.ts";

export const plan = operation(
  {
    method: "post",
    path: "/runbooks/{runbookId}/plan",
    tag: "Executions",
    summary: "See what running a runbook would do, without running it",
    description:
      "Takes what a trigger takes. Tells the steps with the agents that match now, what people will be asked, how long it took before, and what is different from the last execution that succeeded.",
    access: "executions:read",
    params: runbookParamsSchema,
    body: executionCreateSchema,
    example: { parameters: { greeting: "Hello" } },
    bodyOptional: true,
    response: previewSchema,
    errors: ["not_found", "invalid_parameters", "invalid_runbook", "no_such_pool", "payload_too_large"],
  },
  async ({ c, caller, params, body }) => ({
    data: await previewExecution(c.env, caller, params.runbookId, body),
  }),
);
