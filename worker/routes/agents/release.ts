import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { releaseAgent } from "../../services/agents/release.ts";
import { agentParamsSchema } from "./params.ts";

export const release = operation(
  {
    method: "post",
    path: "/agents/{agentId}/release",
    tag: "Agents",
    summary: "Let an agent out of quarantine",
    description:
      "An agent whose key was seen on two machines gets no work. Stop the copy, then release the agent: whichever machine connects next is believed to be it. A copy that should work too enrolls with a token of its own. Safe to repeat.",
    access: "agents:write",
    params: agentParamsSchema,
    response: z.object({ id: z.string() }),
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    await releaseAgent(c.env, caller, params.agentId);
    return { data: { id: params.agentId } };
  },
);
