import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { removeJoinToken } from "../../services/join-tokens/remove.ts";

export const remove = operation(
  {
    method: "delete",
    path: "/join-tokens/{joinTokenId}",
    tag: "Agents",
    summary: "Take back an unused join token",
    access: "agents:write",
    params: z.object({ joinTokenId: z.string().describe("An id like jtk_…") }),
    response: z.object({ id: z.string() }),
    errors: ["not_found", "invalid_state"],
  },
  async ({ c, caller, params }) => {
    await removeJoinToken(c.env, caller, params.joinTokenId);
    return { data: { id: params.joinTokenId } };
  },
);
