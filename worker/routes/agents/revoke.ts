import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { revokeAgent } from "../../services/agents/revoke.ts";
import { agentParamsSchema } from "./params.ts";

export const revoke = operation(
  {
    method: "delete",
    path: "/agents/{agentId}",
    tag: "Agents",
    summary: "Revoke an agent",
    description: "Ends its connections at once and refuses it from then on. Safe to repeat.",
    access: "agents:write",
    params: agentParamsSchema,
    response: z.object({ id: z.string() }),
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    await revokeAgent(c.env, caller, params.agentId);
    return { data: { id: params.agentId } };
  },
);
