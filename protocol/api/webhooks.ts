import { z } from "zod";
import { idSchema } from "../ids.ts";
import { WEBHOOK_OVERLAP_MAX_HOURS } from "../limits.ts";
import { nameSchema } from "../names.ts";
import { NOTIFICATION_TYPES } from "../notifications.ts";
import { timestampSchema } from "./envelope.ts";

export const webhookSchema = z
  .object({
    id: idSchema("webhook"),
    name: z.string(),
    url: z.string(),
    events: z.array(z.enum(NOTIFICATION_TYPES)),
    enabled: z.boolean(),
    /** In words, when it was not a person who disabled it. */
    disabledReason: z.string().optional(),
    createdAt: timestampSchema,
    updatedAt: timestampSchema,
    /** Until then the secret before the last rotation signs as well. */
    previousSecretUntil: timestampSchema.optional(),
  })
  .meta({ id: "Webhook" });

export const webhookDeliverySchema = z
  .object({
    /** What the receiver has as `webhook-id`: the same at every attempt. */
    id: idSchema("notification"),
    type: z.string(),
    /** The id of the execution or agent that it is about. */
    subject: z.string(),
    /** `pending`: it is tried again. `failed`: it is not. */
    state: z.enum(["pending", "delivered", "failed"]),
    attempts: z.number().int(),
    /** The HTTP status of the last answer; absent when there was none. */
    status: z.number().int().optional(),
    /** How the last attempt went, in words. */
    detail: z.string(),
    createdAt: timestampSchema,
    lastAttemptAt: timestampSchema,
    nextAttemptAt: timestampSchema.optional(),
  })
  .meta({ id: "WebhookDelivery" });

/** One webhook with its last deliveries, newest first. */
export const webhookDetailSchema = webhookSchema.extend({ deliveries: z.array(webhookDeliverySchema) });

/** The only answers that ever contain the secret: of creating and of rotating. */
export const webhookWithSecretSchema = webhookSchema.extend({ secret: z.string() });

const urlSchema = z
  .string()
  .trim()
  .min(1, { error: "say where to send: an address like https://hooks.example.com/farhand" })
  .max(2_000);
const eventsSchema = z
  .array(z.enum(NOTIFICATION_TYPES))
  .min(1, { error: "choose at least one event" })
  .transform((events) => [...new Set(events)]);

export const webhookCreateSchema = z.strictObject({
  name: nameSchema(100, "give the webhook a name"),
  url: urlSchema,
  events: eventsSchema,
});

/** What is left out stays as it is. */
export const webhookUpdateSchema = z
  .strictObject({
    name: nameSchema(100, "give the webhook a name").optional(),
    url: urlSchema.optional(),
    events: eventsSchema.optional(),
    enabled: z.boolean().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, {
    error: "say what to change: name, url, events or enabled",
  });

export const webhookRotateSchema = z.strictObject({
  /** For how long the secret until now signs as well. */
  overlapHours: z.number().int().min(0).max(WEBHOOK_OVERLAP_MAX_HOURS).default(24),
});

export type Webhook = z.infer<typeof webhookSchema>;
export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;
export type WebhookWithSecret = z.infer<typeof webhookWithSecretSchema>;
export type WebhookCreate = z.infer<typeof webhookCreateSchema>;
export type WebhookUpdate = z.infer<typeof webhookUpdateSchema>;
