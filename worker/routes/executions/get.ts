import { executionSchema } from "#protocol/api/executions.ts";
import { notFound } from "../../errors.ts";
import { operation } from "../../http/operation.ts";
import { callObject } from "../../objects.ts";
import { coordinatorFor, executionParamsSchema } from "./params.ts";

export const get = operation(
  {
    method: "get",
    path: "/executions/{executionId}",
    tag: "Executions",
    summary: "Get an execution with its plan and its steps",
    access: "executions:read",
    params: executionParamsSchema,
    response: executionSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    const coordinator = coordinatorFor(c, caller, params.executionId);
    const execution = await callObject(coordinator, (object) => object.read());
    if (!execution) throw notFound("execution");
    return { data: execution };
  },
);
