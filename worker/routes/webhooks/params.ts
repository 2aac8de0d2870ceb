import { z } from "zod";

export const webhookParamsSchema = z.object({ webhookId: z.string().describe("An id like whk_…") });
