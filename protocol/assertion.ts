/**
 * Rule HS2: each upgrade of an agent's socket carries a JWT that the agent
 * signed with its own Ed25519 key (`alg` EdDSA, never another), as
 * `Authorization: Bearer`. The server needs no secret of the agent's, and a
 * recorded assertion is useless after a minute or after its first use.
 */
import { z } from "zod";
import { givenLabelsSchema, labelsSchema } from "./blocks/common.ts";
import { nameSchema } from "./names.ts";

export const ASSERTION_ALGORITHM = "EdDSA";

/** Paths that agents dial. `aud` of the assertion is the server's origin followed by the path. */
export const AGENT_PATHS = {
  enroll: "/agent/v1/enroll",
  rotateKey: "/agent/v1/rotate-key",
  control: "/agent/v1/control",
  execution: (executionId: string) => `/agent/v1/executions/${executionId}`,
} as const;

export const assertionClaimsSchema = z.object({
  /** The agent's id. */
  sub: z.string(),
  aud: z.string(),
  iat: z.number(),
  exp: z.number(),
  jti: z.string().min(16).max(64),
  /**
   * Rule HS5, on the control socket: greater with each try of this agent to
   * connect. Absent from agents that do not count.
   */
  counter: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  /** When it proposes a new key: that key, so that the old one vouches for it. */
  newKey: z.string().max(64).optional(),
});
export type AssertionClaims = z.infer<typeof assertionClaimsSchema>;

/** Raw Ed25519, base64url. */
const publicKeySchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, { error: "expected a raw Ed25519 public key in base64url" });

/** How long the old key of an agent is good beside a new one that it proposed and has not used. */
export const KEY_OVERLAP_MS = 24 * 60 * 60 * 1000;

/**
 * What an agent posts to go over to a new key, with an assertion signed by its
 * old one that names the new one as `newKey`.
 */
export const rotateKeyRequestSchema = z.strictObject({
  publicKey: publicKeySchema,
  /** An assertion for the same path, signed by the new key: whoever proposes it has it. */
  proof: z.string().max(2_000),
});
export const rotateKeyResponseSchema = z.object({
  /** Until then the old key is good too, unless the new one is used before. */
  oldKeyUntil: z.string(),
});
export type RotateKeyRequest = z.infer<typeof rotateKeyRequestSchema>;
export type RotateKeyResponse = z.infer<typeof rotateKeyResponseSchema>;

/** What `farhand-agent enroll` posts. The private key never leaves the host. */
export const enrollRequestSchema = z.strictObject({
  joinToken: z.string().max(200),
  publicKey: publicKeySchema,
  name: nameSchema(255),
  labels: givenLabelsSchema,
  agentVersion: z.string().max(64),
});

export const enrollResponseSchema = z.object({
  agentId: z.string(),
  organizationId: z.string(),
  poolId: z.string(),
  poolName: z.string(),
  /** What it is labelled with from now on: its own, and over those what its token says. Absent from older servers. */
  labels: labelsSchema.optional(),
});
export type EnrollRequest = z.infer<typeof enrollRequestSchema>;
export type EnrollResponse = z.infer<typeof enrollResponseSchema>;
