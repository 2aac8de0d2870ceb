import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { removeExecution } from "../../services/executions/remove.ts";
import { coordinatorFor, executionParamsSchema } from "./params.ts";

export const remove = operation(
  {
    method: "delete",
    path: "/executions/{executionId}",
    tag: "Executions",
    summary: "Delete an execution that has ended",
    description:
      "It can no longer be found or read. What happened stays on record, with who deleted it and when.",
    access: "executions:write",
    params: executionParamsSchema,
    response: z.object({ id: z.string() }),
    errors: ["not_found", "invalid_state"],
  },
  async ({ c, caller, params }) => {
    await removeExecution(c.env, caller, coordinatorFor(c, caller, params.executionId));
    return { data: { id: params.executionId } };
  },
);
