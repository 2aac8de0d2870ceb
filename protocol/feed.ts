/** The organization feed: OrganizationFeed → browser, for lists that stay current by themselves. */
import { z } from "zod";
import { timestampSchema } from "./api/envelope.ts";
import { executionSummarySchema } from "./api/executions.ts";
import { presenceSchema } from "./api/pools.ts";

export const feedMessageSchema = z.discriminatedUnion("type", [
  /** An execution appeared or changed its state. */
  z.strictObject({ type: z.literal("execution"), execution: executionSummarySchema }),
  /** An execution was deleted: it is in no list any more. */
  z.strictObject({ type: z.literal("execution.removed"), executionId: z.string() }),
  /** An agent connected, changed what it is doing, or (without presence) went away. */
  z.strictObject({
    type: z.literal("agent"),
    agentId: z.string(),
    presence: presenceSchema.optional(),
    /** When it was last heard of; absent while it is connected. */
    lastSeenAt: timestampSchema.optional(),
  }),
  /** Two machines were seen with the key of an agent: it gets no work until a person releases it. */
  z.strictObject({ type: z.literal("agent.quarantined"), agentId: z.string(), name: z.string() }),
]);
export type FeedMessage = z.infer<typeof feedMessageSchema>;
