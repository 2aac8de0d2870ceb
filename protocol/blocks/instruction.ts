import { z } from "zod";
import { SCRIPT_MAX_BYTES } from "../limits.ts";
import { commonShape, formSchema, waitSchema } from "./common.ts";

/**
 * Text for a person. With `acknowledge` the execution goes on when somebody
 * has said that it is done; without, it is shown in its place and holds nothing up.
 */
export const instructionBlockSchema = z.strictObject({
  kind: z.literal("instruction"),
  ...commonShape,
  markdown: z.string().min(1).max(SCRIPT_MAX_BYTES),
  acknowledge: z.boolean().optional(),
  /** Asked for when it is acknowledged; the answers are the step's outputs. */
  form: formSchema.optional(),
  /** A note is demanded as evidence. */
  noteRequired: z.boolean().optional(),
  /** How long to wait for a person, ms. */
  expiresMs: waitSchema.optional(),
});
export type InstructionBlock = z.infer<typeof instructionBlockSchema>;
