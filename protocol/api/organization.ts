import { z } from "zod";
import { idSchema } from "../ids.ts";

export const organizationSchema = z
  .object({
    id: idSchema("organization"),
    name: z.string(),
    /** Most executions at once. */
    maxExecutions: z.number().int().optional(),
    /** Days after their end for which executions are kept; for ever when absent. */
    retentionDays: z.number().int().optional(),
  })
  .meta({ id: "Organization" });

/** What is left out stays as it is. */
export const organizationUpdateSchema = z
  .strictObject({
    /** Null for no limit. */
    maxExecutions: z.number().int().min(1).max(100_000).nullable().optional(),
    /** Null for ever. */
    retentionDays: z.number().int().min(1).max(36_500).nullable().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, {
    error: "say what to change: maxExecutions, retentionDays or both",
  });

export type Organization = z.infer<typeof organizationSchema>;
export type OrganizationUpdate = z.infer<typeof organizationUpdateSchema>;
