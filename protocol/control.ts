/**
 * The control socket: agent ↔ AgentPool, one per agent. It carries presence and
 * leases; output never passes here.
 */
import { z } from "zod";
import { labelsSchema } from "./blocks/common.ts";
import { stepStartSchema } from "./data.ts";
import { whyNoName } from "./names.ts";
import { planSchema } from "./plan.ts";
import { releaseVersionSchema } from "./release.ts";
import { sealedEnvelopeSchema, sealingKeySchema } from "./sealing/envelope.ts";
import { heldSecretsSchema, secretNameSchema } from "./secrets.ts";
import { ackSchema, commandIdSchema, leaseSchema, versionRangeSchema } from "./socket.ts";
import { agentUpdateSchema } from "./update.ts";

/** A lease as the agent holds it, told in `hello` so that both ends agree after any loss. */
const heldLeaseSchema = leaseSchema.extend({ state: z.enum(["active", "reporting"]) });

export const agentControlMessageSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("hello"),
    protocol: versionRangeSchema,
    agentVersion: z.string().max(64),
    hostname: z
      .string()
      .max(255)
      .refine((text) => whyNoName(text) === undefined),
    os: z.string().max(64),
    arch: z.string().max(64),
    labels: labelsSchema,
    /** Executions it takes at once. */
    slots: z.number().int().min(1).max(1024),
    draining: z.boolean(),
    /** Which of `KNOWN_INTERPRETERS` it has; absent when it does not tell. */
    interpreters: z.array(z.string().max(64)).max(64).optional(),
    /** SHA-256 of the local policy in force, hex, or `default`; absent when it does not tell. */
    policy: z.strictObject({ digest: z.string().regex(/^(?:default|[0-9a-f]{64})$/) }).optional(),
    /** The secrets that it holds; absent when it does not tell. */
    secrets: heldSecretsSchema.optional(),
    /** How it may be replaced by another version; absent when it cannot be told which one is wanted. */
    update: agentUpdateSchema.optional(),
    /** Every lease it knows; an offer that is not here never arrived. */
    leases: z.array(heldLeaseSchema).max(2048),
    /** The key that secrets are sealed to; absent when it takes none. */
    sealing: sealingKeySchema.optional(),
  }),
  ackSchema,
  /** The secrets that it holds are others now: all of them, as in `hello`. */
  z.strictObject({ type: z.literal("secrets"), secrets: heldSecretsSchema }),
  /** The answer to `secret.put` and `secret.remove`: it is on disk, or gone from it, or why it is not. */
  z.strictObject({
    type: z.literal("secret.answer"),
    id: commandIdSchema,
    outcome: z.enum(["done", "refused"]),
    detail: z.string().max(500).optional(),
  }),
  /** The offer stands: a slot is taken. Sent once per offer, again when the offer is repeated. */
  z.strictObject({ type: z.literal("lease.accepted"), leaseId: z.string().max(64), fence: z.number().int() }),
  /** Nothing was started; the lease may go to another agent. */
  z.strictObject({
    type: z.literal("lease.declined"),
    leaseId: z.string().max(64),
    fence: z.number().int(),
    reason: z.enum(["draining", "no_slot", "plan_rejected", "spool_full"]),
    detail: z.string().max(500),
  }),
  /** The slot is free again on the agent's side. */
  z.strictObject({ type: z.literal("lease.ended"), leaseId: z.string().max(64), fence: z.number().int() }),
]);

export const poolControlMessageSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("welcome"),
    protocol: z.number().int(),
    agentId: z.string(),
    /** The server's clock, ms since the epoch: for a warning about skew only. */
    time: z.number(),
    heartbeatMs: z.number().int(),
    /** The version that it should have; only for an agent whose hello has `update`. */
    wantedVersion: releaseVersionSchema.optional(),
  }),
  /** The version that it should have from now on is another one; null for whatever it has. Only as above. */
  z.strictObject({ type: z.literal("version.wanted"), version: releaseVersionSchema.nullable() }),
  /** A command (CM1, CM2). The first step rides on it: the agent may spawn before its data socket is open. */
  z.strictObject({
    type: z.literal("lease.offer"),
    id: commandIdSchema,
    lease: leaseSchema,
    plan: planSchema,
    planDigest: z.string(),
    firstStep: stepStartSchema,
  }),
  /** A command: the lease is over; end what still runs under it, report that for up to 10 s, and close its data socket. */
  z.strictObject({
    type: z.literal("lease.revoke"),
    id: commandIdSchema,
    leaseId: z.string().max(64),
    fence: z.number().int(),
    reason: z.string().max(200),
  }),
  /** A command: keep this secret, which people have sealed to the agent's key. */
  z.strictObject({
    type: z.literal("secret.put"),
    id: commandIdSchema,
    name: secretNameSchema,
    envelope: sealedEnvelopeSchema,
  }),
  /** A command: forget a secret that came in this way, and none that the host has by itself. */
  z.strictObject({ type: z.literal("secret.remove"), id: commandIdSchema, name: secretNameSchema }),
]);

export type AgentControlMessage = z.infer<typeof agentControlMessageSchema>;
export type PoolControlMessage = z.infer<typeof poolControlMessageSchema>;
export type LeaseOffer = Extract<PoolControlMessage, { type: "lease.offer" }>;
