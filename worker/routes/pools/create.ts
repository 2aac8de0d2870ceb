import { poolCreateSchema, poolSchema } from "#protocol/api/pools.ts";
import { operation } from "../../http/operation.ts";
import { createPool } from "../../services/pools/create.ts";

export const create = operation(
  {
    method: "post",
    path: "/pools",
    tag: "Agents",
    summary: "Create a pool for agents to join",
    access: "agents:write",
    body: poolCreateSchema,
    example: { name: "prod-eu" },
    response: poolSchema,
    status: 201,
    errors: ["conflict"],
  },
  async ({ c, caller, body }) => ({ data: await createPool(c.env, caller, body.name) }),
);
