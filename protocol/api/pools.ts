import { z } from "zod";
import { givenLabelsSchema, poolNameSchema } from "../blocks/common.ts";
import { idSchema } from "../ids.ts";
import { sealingKeySchema } from "../sealing/envelope.ts";
import { agentUpdateSchema, poolAgentVersionSchema } from "../update.ts";
import { timestampSchema } from "./envelope.ts";

export const poolSchema = z
  .object({
    id: idSchema("pool"),
    name: z.string(),
    createdAt: timestampSchema,
    agentCount: z.number().int(),
    /** Most leases at once, whatever slots its agents have. */
    maxLeases: z.number().int().optional(),
    /** The version that its agents are told to have; each goes by the policy of its host. */
    agentVersion: poolAgentVersionSchema,
  })
  .meta({ id: "Pool" });
export const poolCreateSchema = z.strictObject({ name: poolNameSchema });
export const poolUpdateSchema = z
  .strictObject({
    /** Null for no limit; absent to leave it as it is. */
    maxLeases: z.number().int().min(1).max(100_000).nullable().optional(),
    /** `latest` for the newest release, `any` for whatever agents have; absent to leave it as it is. */
    agentVersion: poolAgentVersionSchema.optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), {
    error: "say what to change: maxLeases or agentVersion",
  });
export type PoolUpdate = z.infer<typeof poolUpdateSchema>;

/** What a connected agent is doing now. */
export const presenceSchema = z.object({
  connectedAt: timestampSchema,
  hostname: z.string(),
  os: z.string(),
  arch: z.string(),
  agentVersion: z.string(),
  slots: z.number().int(),
  busySlots: z.number().int(),
  draining: z.boolean(),
  /** SHA-256 of its `policy.yaml`, hex: compare it with `farhand-agent status` on the host. `default` when it has none. */
  policyDigest: z.string().optional(),
  /** What its host's policy lets it do about another version, and what came of the last try; absent when it does not tell. */
  update: agentUpdateSchema.optional(),
  /** The version that its pool wants it to have; absent for whatever it has. */
  wantedVersion: z.string().optional(),
});

export const agentSchema = z
  .object({
    id: idSchema("agent"),
    name: z.string(),
    poolId: idSchema("pool"),
    poolName: z.string(),
    labels: z.record(z.string(), z.string()),
    /** What it found out about its host when it last connected, such as `host.os`: runbooks select by these too. Absent until it has connected. */
    hostLabels: z.record(z.string(), z.string()).optional(),
    /** SHA-256 of the public key, hex: compare it with `farhand-agent status` on the host. */
    fingerprint: z.string(),
    /** Raw Ed25519, base64url. */
    publicKey: z.string(),
    /** The key that secrets are sealed to, signed by the agent's own, and its SHA-256 in hex. Absent when it has told none. */
    sealing: sealingKeySchema.extend({ fingerprint: z.string() }).optional(),
    createdAt: timestampSchema,
    revokedAt: timestampSchema.optional(),
    /** Since when it gets no work, because two machines were seen with its key. */
    quarantinedAt: timestampSchema.optional(),
    /** When it was last heard of. Absent while it is connected, and for one that never was. */
    lastSeenAt: timestampSchema.optional(),
    /** Absent when it is not connected. */
    presence: presenceSchema.optional(),
  })
  .meta({ id: "Agent" });

/** Most agents that one join token lets in, and how long it may be good for: one for a single machine, one for a fleet. */
export const JOIN_TOKEN_USES_MAX = 1_000;
const USES_WORDS = `a token lets in from 1 to ${JOIN_TOKEN_USES_MAX} machines`;
export const JOIN_TOKEN_SECONDS = { single: 15 * 60, counted: 24 * 60 * 60 } as const;

export const joinTokenCreateSchema = z
  .strictObject({
    /** The pool called `default` when absent. */
    poolId: idSchema("pool").optional(),
    /** How many agents may come in with it. */
    uses: z
      .number({ error: USES_WORDS })
      .int({ error: USES_WORDS })
      .min(1, { error: USES_WORDS })
      .max(JOIN_TOKEN_USES_MAX, { error: USES_WORDS })
      .default(1),
    /** At most 15 minutes, or 24 hours where `uses` is more than one. */
    expiresInSeconds: z
      .number()
      .int()
      .min(10)
      .max(JOIN_TOKEN_SECONDS.counted)
      .default(JOIN_TOKEN_SECONDS.single),
    /** Every agent that comes in with it has these, whatever its host says. */
    labels: givenLabelsSchema
      .refine((labels) => Object.keys(labels).length <= 64, { error: "at most 64 labels" })
      .default({}),
  })
  .refine(({ uses, expiresInSeconds }) => uses > 1 || expiresInSeconds <= JOIN_TOKEN_SECONDS.single, {
    path: ["expiresInSeconds"],
    error: "a token for one agent is good for at most 900 s; one with more uses for up to 86400 s",
  });
export const joinTokenSchema = z
  .object({
    id: idSchema("joinToken"),
    poolId: idSchema("pool"),
    createdAt: timestampSchema,
    expiresAt: timestampSchema,
    /** When it was taken back. */
    revokedAt: timestampSchema.optional(),
    uses: z.number().int(),
    usesLeft: z.number().int(),
    labels: z.record(z.string(), z.string()),
    /** The first agents that came in with it, at most 20. */
    joined: z.array(z.object({ id: idSchema("agent"), name: z.string() })),
  })
  .meta({ id: "JoinToken" });
/** The only answer that ever contains the token. */
export const joinTokenCreatedSchema = joinTokenSchema.extend({ token: z.string() });

export type Pool = z.infer<typeof poolSchema>;
export type Presence = z.infer<typeof presenceSchema>;
export type Agent = z.infer<typeof agentSchema>;
export type JoinTokenCreate = z.infer<typeof joinTokenCreateSchema>;
export type JoinToken = z.infer<typeof joinTokenSchema>;
export type JoinTokenCreated = z.infer<typeof joinTokenCreatedSchema>;
