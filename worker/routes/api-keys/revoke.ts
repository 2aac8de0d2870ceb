import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { revokeApiKey } from "../../services/api-keys/revoke.ts";

export const revoke = operation(
  {
    method: "delete",
    path: "/api-keys/{apiKeyId}",
    tag: "API keys",
    summary: "Revoke an API key",
    description:
      "Its next use is refused, and the WebSockets and streams that it opened end. Safe to repeat.",
    access: "keys:write",
    params: z.object({ apiKeyId: z.string().describe("An id like key_…") }),
    response: z.object({ id: z.string() }),
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    await revokeApiKey(c.env, caller, params.apiKeyId);
    return { data: { id: params.apiKeyId } };
  },
);
