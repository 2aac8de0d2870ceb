/**
 * The plan: everything one execution will do, resolved before anything runs.
 * Its canonical JSON is hashed; agents receive the plan and pick their work
 * from it by path, so what runs is what was planned.
 */
import { z } from "zod";
import { digestOf } from "./digest.ts";
import { idSchema } from "./ids.ts";
import { blockSchema } from "./runbook/document.ts";

export const planSchema = z
  .strictObject({
    schema: z.literal(1),
    organizationId: idSchema("organization"),
    runbookId: idSchema("runbook"),
    versionId: idSchema("version"),
    versionNumber: z.number().int().positive(),
    /** SHA-256 over the canonical JSON of the version's document. */
    versionHash: z.string(),
    title: z.string(),
    parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    target: z.strictObject({
      poolId: idSchema("pool"),
      poolName: z.string(),
      labels: z.record(z.string(), z.string()),
    }),
    blocks: z.array(blockSchema),
    /** Makes every plan one of its kind, so that no approval or signature fits two. */
    nonce: z.string(),
    /** An agent starts nothing from this plan after this time, ms since the epoch. */
    expiresAt: z.number().int(),
  })
  .meta({ id: "Plan" });
export type Plan = z.infer<typeof planSchema>;

/** The plan digest: SHA-256 of the plan in RFC 8785 form, lower-case hex. */
export function planDigest(plan: Plan): Promise<string> {
  return digestOf(plan);
}
