import { apiKeyCreatedSchema, apiKeyCreateSchema } from "#protocol/api/keys.ts";
import { operation } from "../../http/operation.ts";
import { createApiKey } from "../../services/api-keys/create.ts";

export const create = operation(
  {
    method: "post",
    path: "/api-keys",
    tag: "API keys",
    summary: "Create an API key",
    description:
      "The key is in this answer only. It may do what its scopes say, and never more than its maker may at the time.",
    access: "keys:write",
    body: apiKeyCreateSchema,
    example: { name: "pipeline", scopes: ["runbooks:read", "executions:read", "executions:write"] },
    response: apiKeyCreatedSchema,
    status: 201,
  },
  async ({ c, caller, body }) => ({ data: await createApiKey(c.env, caller, body) }),
);
