import { z } from "zod";
import { poolSchema, poolUpdateSchema } from "#protocol/api/pools.ts";
import { operation } from "../../http/operation.ts";
import { updatePool } from "../../services/pools/update.ts";

export const update = operation(
  {
    method: "put",
    path: "/pools/{poolId}",
    tag: "Agents",
    summary: "Limit how much a pool does at once, and say which version its agents should have",
    description:
      "What is over the limit queues, with the reason `pool_full`. What runs goes on. Whether and when an agent takes another version is decided by the policy of its host; none goes back to an older one.",
    access: "agents:write",
    params: z.object({ poolId: z.string().describe("An id like pool_…") }),
    body: poolUpdateSchema,
    example: { maxLeases: 10, agentVersion: "latest" },
    response: poolSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params, body }) => ({ data: await updatePool(c.env, caller, params.poolId, body) }),
);
