import { z } from "zod";

export const agentParamsSchema = z.object({ agentId: z.string().describe("An id like agt_…") });
