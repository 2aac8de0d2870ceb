import { executionCreateSchema, executionSummarySchema } from "#protocol/api/executions.ts";
import { API_PREFIX, operation } from "../../http/operation.ts";
import { withHeaders } from "../../http/respond.ts";
import { requireScope } from "../../identity/caller.ts";
import { triggerExecution } from "../../services/executions/trigger.ts";
import { runbookParamsSchema } from "../runbooks/params.ts";
import { idempotencyHeaderSchema, idempotencyKeyOf } from "./idempotency.ts";
import { followAs, liveStreamIn } from "./params.ts";

export const create = operation(
  {
    method: "post",
    path: "/runbooks/{runbookId}/executions",
    tag: "Executions",
    summary: "Run a runbook",
    description:
      "Answers 201 for a new execution and 200 for one that this Idempotency-Key had started before. With `Accept: text/event-stream` the answer is the event stream of the execution, from its first event to its last; the first, `execution.created`, has the `executionId` and its `url`. With `Accept: text/plain` it is the output as it is printed, such as `curl -N` shows it; either needs the scope `executions:read` as well.",
    access: "executions:write",
    params: runbookParamsSchema,
    headers: idempotencyHeaderSchema,
    body: executionCreateSchema,
    example: { parameters: { greeting: "Hello" } },
    bodyOptional: true,
    response: executionSummarySchema,
    status: 201,
    streams: {
      "text/event-stream": { description: "The events of the execution as they happen." },
      "text/plain": { description: "The output of the execution as it is printed." },
    },
    errors: ["not_found", "invalid_parameters", "no_such_pool", "idempotency_conflict", "payload_too_large"],
    admitsItself: true,
  },
  async ({ c, caller, params, body, admitted }) => {
    const live = liveStreamIn(c);
    if (live) requireScope(caller, "executions:read");
    const { created, execution } = await triggerExecution(c.env, caller, {
      runbookId: params.runbookId,
      body,
      idempotencyKey: idempotencyKeyOf(c),
      requestId: c.var.requestId,
      admitted,
    });
    const headers = { location: `${API_PREFIX}/executions/${execution.id}` };
    const status = created ? 201 : 200;
    if (!live) return { data: execution, status, headers };
    return withHeaders(await followAs(live, c, caller, execution.id, 0), headers, status);
  },
);
