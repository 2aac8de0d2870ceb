/**
 * The plan: everything one execution will do, resolved before anything runs.
 * Its canonical JSON is hashed; agents receive the plan and pick their work
 * from it by path, so what runs is what was planned.
 */
import { z } from "zod";
import { labelsSchema, locksSchema } from "./blocks/common.ts";
import { type Block, blockSchema } from "./blocks/index.ts";
import { digestOf } from "./digest.ts";
import { idSchema } from "./ids.ts";
import { INSTANT_MAX_MS } from "./limits.ts";
import { parameterNameSchema, parameterSchema } from "./runbook/parameters.ts";
import { signedVersionSchema } from "./signatures/version.ts";

const valuesSchema = z.record(parameterNameSchema, z.union([z.string(), z.number(), z.boolean()]));

/** What one version says, resolved as far as it can be before it runs. */
const procedureShape = {
  runbookId: idSchema("runbook"),
  versionId: idSchema("version"),
  versionNumber: z.number().int().positive(),
  /** SHA-256 over the canonical JSON of the version's document. */
  versionHash: z.string(),
  title: z.string(),
  /** Where it runs unless a block says otherwise. */
  target: z.strictObject({ poolId: idSchema("pool"), poolName: z.string(), labels: labelsSchema }),
  timeoutMs: z.number().int().optional(),
  locks: locksSchema.optional(),
  blocks: z.array(blockSchema),
  finally: z.array(blockSchema).optional(),
  /** Absent when nobody has signed the version. */
  signed: signedVersionSchema.optional(),
};

/** A runbook that a `runbook` block of the plan starts, with what that execution needs for its own plan. */
const childProcedureSchema = z.strictObject({
  ...procedureShape,
  definitions: z.array(parameterSchema),
  children: z.record(z.string(), idSchema("version")).optional(),
});

export const planSchema = z
  .strictObject({
    schema: z.literal(1),
    organizationId: idSchema("organization"),
    ...procedureShape,
    parameters: valuesSchema,
    /** The ids of the pools that blocks name. */
    pools: z.record(z.string(), idSchema("pool")).optional(),
    /** By version id: every runbook that this one starts, and what those start. */
    runbooks: z.record(z.string(), childProcedureSchema).optional(),
    /** By name of a `runbook` block: the version it starts. */
    children: z.record(z.string(), idSchema("version")).optional(),
    /** Names of the first and last blocks of the top level to run; the others are skipped. */
    range: z.strictObject({ from: z.string().optional(), to: z.string().optional() }).optional(),
    /** Makes every plan one of its kind, so that no approval or signature fits two. */
    nonce: z.string(),
    /** An agent starts nothing from this plan after this time, ms since the epoch. */
    expiresAt: z.number().int().min(0).max(INSTANT_MAX_MS),
  })
  .meta({ id: "Plan" });

export type ChildProcedure = Omit<z.infer<typeof childProcedureSchema>, "blocks" | "finally"> & {
  blocks: Block[];
  finally?: Block[];
};
export type Plan = Omit<z.infer<typeof planSchema>, "blocks" | "finally" | "runbooks"> & {
  blocks: Block[];
  finally?: Block[];
  runbooks?: Record<string, ChildProcedure>;
};

/** The plan digest: SHA-256 of the plan in RFC 8785 form, lower-case hex. */
export function planDigest(plan: Plan): Promise<string> {
  return digestOf(plan);
}
