import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { removeJoinToken } from "../../services/join-tokens/remove.ts";

export const remove = operation(
  {
    method: "delete",
    path: "/join-tokens/{joinTokenId}",
    tag: "Agents",
    summary: "Take back a join token",
    description: "Nobody joins with it from then on; the agents that did stay. Safe to repeat.",
    access: "agents:write",
    params: z.object({ joinTokenId: z.string().describe("An id like jtk_…") }),
    response: z.object({ id: z.string() }),
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    await removeJoinToken(c.env, caller, params.joinTokenId);
    return { data: { id: params.joinTokenId } };
  },
);
