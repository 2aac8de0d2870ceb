/**
 * Rule HS2: each upgrade of an agent's socket carries a JWT that the agent
 * signed with its own Ed25519 key (`alg` EdDSA, never another), as
 * `Authorization: Bearer`. The server needs no secret of the agent's, and a
 * recorded assertion is useless after a minute or after its first use.
 */
import { z } from "zod";
import { labelsSchema } from "./blocks/common.ts";
import { nameSchema } from "./names.ts";

export const ASSERTION_ALGORITHM = "EdDSA";

/** Paths that agents dial. `aud` of the assertion is the server's origin followed by the path. */
export const AGENT_PATHS = {
  enroll: "/agent/v1/enroll",
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
});
export type AssertionClaims = z.infer<typeof assertionClaimsSchema>;

/** What `farhand-agent enroll` posts. The private key never leaves the host. */
export const enrollRequestSchema = z.strictObject({
  joinToken: z.string().max(200),
  /** Raw Ed25519 public key, base64url. */
  publicKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/, { error: "expected a raw Ed25519 public key in base64url" }),
  name: nameSchema(255),
  labels: labelsSchema,
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
