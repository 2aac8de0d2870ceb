/** What every answer of the API has around it. */
import { z } from "zod";

export const metadataSchema = z
  .object({
    requestId: z.string(),
    timestamp: z.string(),
    durationMs: z.number(),
    /** Pass as `cursor` to get the next page; absent on the last. */
    nextCursor: z.string().optional(),
  })
  .meta({ id: "Metadata" });
export type Metadata = z.infer<typeof metadataSchema>;

/** `{ data, metadata }` around the schema of one operation's result. */
export function envelope<T extends z.ZodType>(data: T) {
  return z.object({ data, metadata: metadataSchema });
}

export const pageQuerySchema = z.strictObject({
  cursor: z.string().max(500).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});

export const timestampSchema = z.iso.datetime();
