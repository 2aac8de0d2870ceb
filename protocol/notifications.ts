/**
 * What an organization is told of, through whatever channel. A notification
 * says what happened to what, by id and in small facts: never output, never a
 * value. A webhook's body is one of these, as it is.
 */
import { z } from "zod";
import { triggerSchema } from "./actor.ts";
import { timestampSchema } from "./api/envelope.ts";
import { idSchema } from "./ids.ts";
import { TERMINAL_EXECUTION_STATES } from "./states.ts";

const agentFactsSchema = z.object({
  agentId: idSchema("agent"),
  name: z.string(),
  poolId: idSchema("pool"),
  /** Why, in words. */
  detail: z.string(),
  /** Where people see it. */
  url: z.string(),
});

/** `timestamp` is when it happened: with the type and the subject it tells one occurrence from every other. */
export const notificationSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("execution.finished"),
    timestamp: timestampSchema,
    data: z.object({
      executionId: idSchema("execution"),
      runbookId: idSchema("runbook"),
      title: z.string(),
      state: z.enum(TERMINAL_EXECUTION_STATES),
      /** False when nobody can say that all of its processes are gone (rule CX2). */
      confirmed: z.boolean(),
      durationMs: z.number(),
      trigger: triggerSchema,
      url: z.string(),
    }),
  }),
  /** It gets no work until a person has looked at it. */
  z.object({ type: z.literal("agent.quarantined"), timestamp: timestampSchema, data: agentFactsSchema }),
  z.object({ type: z.literal("agent.revoked"), timestamp: timestampSchema, data: agentFactsSchema }),
  /** Somebody tried a webhook out. */
  z.object({
    type: z.literal("webhook.test"),
    timestamp: timestampSchema,
    data: z.object({ webhookId: idSchema("webhook") }),
  }),
]);

export type Notification = z.infer<typeof notificationSchema>;

/** What can be asked for. */
export const NOTIFICATION_TYPES = ["execution.finished", "agent.quarantined", "agent.revoked"] as const;
export type NotificationType = (typeof NOTIFICATION_TYPES)[number];

/** The id of what it is about. */
export function subjectOf({ type, data }: Notification): string {
  switch (type) {
    case "execution.finished":
      return data.executionId;
    case "agent.quarantined":
    case "agent.revoked":
      return data.agentId;
    case "webhook.test":
      return data.webhookId;
    default:
      return type satisfies never;
  }
}
