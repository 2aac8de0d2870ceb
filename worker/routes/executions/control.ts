import { z } from "zod";
import { executionStateNowSchema } from "#protocol/api/executions.ts";
import { operation } from "../../http/operation.ts";
import { askExecution } from "../../services/executions/ask.ts";
import { executionParamsSchema } from "./params.ts";

/** One address for what has three of its own. */
export const control = operation(
  {
    method: "post",
    path: "/executions/{executionId}/control",
    tag: "Aliases",
    summary: "Pause, resume or stop an execution",
    description:
      "Alias of `POST /api/v1/executions/{executionId}/pause`, `…/resume` and `…/cancel`; `stop` is `cancel`.",
    access: "executions:write",
    params: executionParamsSchema,
    body: z.strictObject({
      action: z.enum(["pause", "resume", "stop", "cancel"]),
      reason: z.string().max(500).optional(),
    }),
    response: executionStateNowSchema,
    errors: ["not_found", "invalid_state"],
    deprecated: true,
  },
  async ({ c, caller, params, body: { action, reason = "" } }) => {
    const { actor } = caller;
    const ask =
      action === "resume"
        ? ({ type: "resume", actor } as const)
        : action === "pause"
          ? ({ type: "pause", actor, reason } as const)
          : ({ type: "cancel", actor, reason, force: false } as const);
    return { data: await askExecution(c.env, caller, params.executionId, ask) };
  },
);
