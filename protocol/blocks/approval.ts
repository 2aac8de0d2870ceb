import { z } from "zod";
import { SCRIPT_MAX_BYTES } from "../limits.ts";
import { commonShape, formSchema, waitSchema } from "./common.ts";

/** Waits until enough people have agreed to exactly this plan (promise G19). */
export const approvalBlockSchema = z.strictObject({
  kind: z.literal("approval"),
  ...commonShape,
  /** What is asked, in Markdown. */
  markdown: z.string().min(1).max(SCRIPT_MAX_BYTES).optional(),
  /** How many have to agree; 1 when absent. */
  required: z.number().int().min(1).max(20).optional(),
  /** Who may agree: anybody who may run executions when absent. */
  from: z
    .strictObject({
      /** Addresses or ids of people. */
      people: z.array(z.string().min(1).max(320)).min(1).max(100).optional(),
      roles: z.array(z.string().min(1).max(63)).min(1).max(20).optional(),
    })
    .refine(({ people, roles }) => people !== undefined || roles !== undefined, {
      error: "say which people or roles may approve",
    })
    .optional(),
  /** The person who started the execution may approve it too. */
  allowRequester: z.boolean().optional(),
  form: formSchema.optional(),
  expiresMs: waitSchema.optional(),
  /** What it means when nobody answered in time; `reject` when absent. */
  onExpiry: z.enum(["reject", "approve"]).optional(),
});
export type ApprovalBlock = z.infer<typeof approvalBlockSchema>;
