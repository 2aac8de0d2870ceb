/** How two versions, or two plans, are different. */
import { z } from "zod";

const blockSchema = z.object({ id: z.string(), kind: z.string(), title: z.string() });

export const blockDifferenceSchema = z
  .object({
    added: z.array(blockSchema),
    removed: z.array(blockSchema),
    /** With the names of the fields that are different; what lies inside a block counts for itself. */
    changed: z.array(blockSchema.extend({ fields: z.array(z.string()) })),
    /** Elsewhere in the tree, or at another place among its neighbours. */
    moved: z.array(blockSchema),
  })
  .meta({ id: "BlockDifference" });

const parameterDifferenceSchema = z.object({
  added: z.array(z.string()),
  removed: z.array(z.string()),
  changed: z.array(z.string()),
});

/** Two versions of a runbook beside each other. */
export const comparisonSchema = z
  .object({
    from: z.number().int(),
    to: z.number().int(),
    /** True when both do the same, however their sources are written. */
    same: z.boolean(),
    blocks: blockDifferenceSchema,
    /** By name. */
    parameters: parameterDifferenceSchema,
    /** Other fields of the runbook that are different, such as `target` or `title`. */
    settings: z.array(z.string()),
    /** The Markdown sources as a unified diff; absent when they have too little in common for one. */
    diff: z.string().optional(),
  })
  .meta({ id: "Comparison" });

export type BlockDifference = z.infer<typeof blockDifferenceSchema>;
export type Comparison = z.infer<typeof comparisonSchema>;
