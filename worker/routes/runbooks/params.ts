import { z } from "zod";

export const runbookParamsSchema = z.object({ runbookId: z.string().describe("An id like rb_…") });
