/**
 * What is signed. Each kind names itself, so that a signature under one can
 * never be read as another, and says whose data it is about.
 */
import { z } from "zod";
import { idSchema } from "../ids.ts";
import { nameSchema } from "../names.ts";
import { thumbprintSchema } from "./keys.ts";

const digestSchema = z.string().regex(/^[0-9a-f]{64}$/);
/** Ms since the epoch. */
const timeSchema = z.number().int().nonnegative();

/** An author: this version of this runbook is as I want it run. */
export const versionStatementSchema = z.strictObject({
  type: z.literal("farhand.version.v1"),
  organizationId: idSchema("organization"),
  runbookId: idSchema("runbook"),
  versionNumber: z.number().int().positive(),
  /** SHA-256 over the canonical JSON of the version's document. */
  versionHash: digestSchema,
  signedAt: timeSchema,
  /** Good until then; without it for as long as agents know the key. */
  expiresAt: timeSchema.optional(),
});

/** An approver: this execution may do what its plan says. */
export const approvalStatementSchema = z.strictObject({
  type: z.literal("farhand.approval.v1"),
  organizationId: idSchema("organization"),
  executionId: idSchema("execution"),
  /** Path of the approval that it answers. */
  step: z.string().min(1).max(256),
  planDigest: digestSchema,
  decision: z.literal("approve"),
  signedAt: timeSchema,
  expiresAt: timeSchema,
});

/** Whoever registers a key: I hold its private half. */
export const keyStatementSchema = z.strictObject({
  type: z.literal("farhand.key.v1"),
  organizationId: idSchema("organization"),
  name: nameSchema(100),
  thumbprint: thumbprintSchema,
  signedAt: timeSchema,
});

export const statementSchema = z.discriminatedUnion("type", [
  versionStatementSchema,
  approvalStatementSchema,
  keyStatementSchema,
]);

export type VersionStatement = z.infer<typeof versionStatementSchema>;
export type ApprovalStatement = z.infer<typeof approvalStatementSchema>;
export type Statement = z.infer<typeof statementSchema>;
