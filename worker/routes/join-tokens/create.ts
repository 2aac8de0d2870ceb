import { joinTokenCreatedSchema, joinTokenCreateSchema } from "#protocol/api/pools.ts";
import { operation } from "../../http/operation.ts";
import { createJoinToken } from "../../services/join-tokens/create.ts";

export const create = operation(
  {
    method: "post",
    path: "/join-tokens",
    tag: "Agents",
    summary: "Make a join token for new agents",
    description:
      "The token is in this answer only. It lets in one agent within 15 minutes, or as many as `uses` says within at most 24 hours. Agents have its `labels` whatever their hosts say. Without a `poolId` it is for the pool `default`.",
    access: "agents:write",
    body: joinTokenCreateSchema,
    example: { uses: 20, expiresInSeconds: 3600, labels: { region: "eu" } },
    bodyOptional: true,
    response: joinTokenCreatedSchema,
    status: 201,
    errors: ["no_such_pool"],
  },
  async ({ c, caller, body }) => ({ data: await createJoinToken(c.env, caller, body) }),
);
