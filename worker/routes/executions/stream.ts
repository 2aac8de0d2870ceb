import { VIEWERS_MAX } from "#protocol/limits.ts";
import { ApiError, notFound } from "../../errors.ts";
import { credentialHeaders } from "../../feed/contract.ts";
import { operation } from "../../http/operation.ts";
import { upgradeTo } from "../../http/upgrade.ts";
import { coordinatorFor, executionParamsSchema } from "./params.ts";

export const stream = operation(
  {
    method: "get",
    path: "/executions/{executionId}/stream",
    tag: "Executions",
    summary: "Follow an execution over a WebSocket",
    description: "Events as JSON frames and output as binary frames, replayed from where the viewer says.",
    access: "executions:read",
    params: executionParamsSchema,
    errors: ["not_found", "upgrade_required", "origin_not_allowed", "rate_limited"],
  },
  async ({ c, caller, params }) => {
    const coordinator = coordinatorFor(c, caller, params.executionId);
    const response = await upgradeTo(c.req.raw, coordinator, "/viewer", credentialHeaders(caller));
    if (response.status === 404) throw notFound("execution");
    if (response.status === 429) {
      const detail = `This execution is followed over ${VIEWERS_MAX} sockets already. Close one, or read it over server-sent events.`;
      throw new ApiError("rate_limited", detail, { headers: { "retry-after": "10" } });
    }
    return response;
  },
);
