import { joinTokenCreatedSchema, joinTokenCreateSchema } from "#protocol/api/pools.ts";
import { operation } from "../../http/operation.ts";
import { createJoinToken } from "../../services/join-tokens/create.ts";

export const create = operation(
  {
    method: "post",
    path: "/join-tokens",
    tag: "Agents",
    summary: "Make a join token for one new agent",
    description:
      "The token is in this answer only. It works once, for at most 15 minutes. Without a `poolId` it is for the pool `default`.",
    access: "agents:write",
    body: joinTokenCreateSchema,
    example: { expiresInSeconds: 600 },
    bodyOptional: true,
    response: joinTokenCreatedSchema,
    status: 201,
    errors: ["no_such_pool"],
  },
  async ({ c, caller, body }) => ({ data: await createJoinToken(c.env, caller, body) }),
);
