import { agentSchema } from "#protocol/api/pools.ts";
import { tenantDb } from "../../db/tenant.ts";
import { notFound } from "../../errors.ts";
import { operation } from "../../http/operation.ts";
import { withPresence } from "../../services/agents/presence.ts";
import { agentParamsSchema } from "./params.ts";

export const get = operation(
  {
    method: "get",
    path: "/agents/{agentId}",
    tag: "Agents",
    summary: "Get an agent with what it is doing now",
    access: "agents:read",
    params: agentParamsSchema,
    response: agentSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    const organizationId = caller.organization.id;
    const record = await tenantDb(c.env.DB, organizationId).agents.get(params.agentId);
    if (!record) throw notFound("agent");
    const [agent] = await withPresence(c.env, organizationId, [record]);
    return { data: agent ?? record };
  },
);
