import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { removeRunbook } from "../../services/runbooks/remove.ts";
import { runbookParamsSchema } from "./params.ts";

export const remove = operation(
  {
    method: "delete",
    path: "/runbooks/{runbookId}",
    tag: "Runbooks",
    summary: "Delete a runbook",
    description: "It disappears from lists and can no longer run. Its versions and executions stay.",
    access: "runbooks:write",
    params: runbookParamsSchema,
    response: z.object({ id: z.string() }),
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    await removeRunbook(c.env, caller, params.runbookId);
    return { data: { id: params.runbookId } };
  },
);
