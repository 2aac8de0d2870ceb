import { z } from "zod";
import { timestampSchema } from "./envelope.ts";

const lockEntrySchema = z.object({
  executionId: z.string(),
  /** The step that has it or waits; empty for the whole execution. */
  step: z.string(),
  title: z.string(),
  mode: z.enum(["shared", "exclusive"]),
  since: timestampSchema,
});

/** A named lock with who has it and who waits for it, first come first. */
export const namedLockSchema = z
  .object({
    name: z.string(),
    /** The number of its last grant. */
    fence: z.number().int(),
    holders: z.array(lockEntrySchema),
    waiting: z.array(lockEntrySchema),
  })
  .meta({ id: "NamedLock" });

export type NamedLock = z.infer<typeof namedLockSchema>;
