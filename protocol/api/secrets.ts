/** Secrets as the API tells of them: never more than their names, where they are, and what is on its way. */
import { z } from "zod";
import { actorSchema } from "../actor.ts";
import { idSchema } from "../ids.ts";
import { ENVELOPES_MAX, sealedEnvelopeSchema } from "../sealing/envelope.ts";
import { timestampSchema } from "./envelope.ts";

export const DELIVERY_STATES = ["pending", "done", "refused", "expired"] as const;

/** The last that somebody asked an agent to do with a secret. */
const deliverySchema = z
  .object({
    agent: z.object({ id: z.string(), name: z.string(), poolName: z.string() }),
    /** Keep a sealed value, or forget one. */
    action: z.enum(["put", "remove"]),
    /** `pending`: the agent has not answered yet. `expired`: it has not in seven days, and is no longer asked. */
    state: z.enum(DELIVERY_STATES),
    /** Why the agent refused, in its words. */
    detail: z.string().optional(),
    /** When it was sealed, or asked for, ms since the epoch. */
    version: z.number().int(),
    actor: actorSchema,
    at: timestampSchema,
    /** When the agent answered, or was given up. */
    settledAt: timestampSchema.optional(),
  })
  .meta({ id: "SecretDelivery" });
export type SecretDelivery = z.infer<typeof deliverySchema>;

export const secretSchema = z
  .object({
    name: z.string(),
    /** The kinds of providers that have it, such as `vault`, `file`, or `sealed`. */
    types: z.array(z.string()),
    /** The agents that hold it, as they have last said. */
    agents: z.array(z.object({ id: z.string(), name: z.string(), poolName: z.string(), type: z.string() })),
    /** What was asked of agents from here. */
    deliveries: z.array(deliverySchema),
  })
  .meta({ id: "Secret" });
export type Secret = z.infer<typeof secretSchema>;

/** A value for each of these agents, sealed to its own key. */
export const secretPutSchema = z.strictObject({
  envelopes: z
    .record(idSchema("agent"), sealedEnvelopeSchema)
    .refine((envelopes) => Object.keys(envelopes).length >= 1, { error: "seal it for at least one agent" })
    .refine((envelopes) => Object.keys(envelopes).length <= ENVELOPES_MAX, {
      error: `at most ${ENVELOPES_MAX} agents in one request: send the others in another`,
    }),
});
