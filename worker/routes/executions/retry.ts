import { executionRetrySchema, executionSummarySchema } from "#protocol/api/executions.ts";
import { API_PREFIX, operation } from "../../http/operation.ts";
import { retryExecution } from "../../services/executions/retry.ts";
import { idempotencyHeaderSchema, idempotencyKeyOf } from "./idempotency.ts";
import { executionParamsSchema } from "./params.ts";

export const retry = operation(
  {
    method: "post",
    path: "/executions/{executionId}/retry",
    tag: "Executions",
    summary: "Retry an execution that has ended",
    description:
      "Starts a new execution with the same version, parameters and target. With the mode `failed` no step runs again that succeeded and was not undone; with `step` it begins at a block of the top level; with `all` at the beginning. Values of steps that do not run again are there, their files are not. Approvals are asked for again.",
    access: "executions:write",
    params: executionParamsSchema,
    headers: idempotencyHeaderSchema,
    body: executionRetrySchema,
    example: { mode: "failed" },
    bodyOptional: true,
    response: executionSummarySchema,
    status: 201,
    errors: ["not_found", "invalid_state", "invalid_parameters", "idempotency_conflict", "payload_too_large"],
  },
  async ({ c, caller, params, body }) => {
    const { created, execution } = await retryExecution(c.env, caller, {
      executionId: params.executionId,
      body,
      idempotencyKey: idempotencyKeyOf(c),
      requestId: c.var.requestId,
    });
    const headers = { location: `${API_PREFIX}/executions/${execution.id}` };
    return { data: execution, status: created ? 201 : 200, headers };
  },
);
