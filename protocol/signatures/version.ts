/** How a plan carries what its version's author signed. */
import { z } from "zod";
import { targetSchema } from "../blocks/common.ts";
import type { Plan } from "../plan.ts";
import type { RunbookDocument } from "../runbook/document.ts";
import { parameterSchema } from "../runbook/parameters.ts";
import { signatureSchema } from "./jws.ts";

/** Most signatures of one version. */
export const VERSION_SIGNATURES_MAX = 20;

/** What the hash of a version covers beside what its plan holds anyway, and the signatures over it. */
export const signedVersionSchema = z.strictObject({
  description: z.string().optional(),
  parameters: z.array(parameterSchema),
  target: targetSchema,
  signatures: z.array(signatureSchema).min(1).max(VERSION_SIGNATURES_MAX),
});

type SignedProcedure = Pick<Plan, "signed" | "title" | "timeoutMs" | "locks" | "blocks" | "finally">;

/** The document of a plan's version as it follows from the plan alone; undefined when nobody signed it. */
export function documentOf(procedure: SignedProcedure): RunbookDocument | undefined {
  const { signed, title, timeoutMs, locks, blocks, finally: last } = procedure;
  if (!signed) return undefined;
  const { description, parameters, target } = signed;
  return {
    schema: 1,
    title,
    ...(description !== undefined && { description }),
    parameters,
    target,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(locks && { locks }),
    blocks,
    ...(last && { finally: last }),
  };
}
