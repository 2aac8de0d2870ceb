import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import {
  type WebhookCreate,
  type WebhookDelivery,
  type WebhookUpdate,
  type WebhookWithSecret,
  webhookDeliverySchema,
  webhookDetailSchema,
  webhookSchema,
  webhookWithSecretSchema,
} from "#protocol/api/webhooks.ts";
import { apiPath, command, request } from "../client.ts";

/** Deliveries come in by themselves; the feed does not tell of them. */
const REFRESH_MS = 5_000;

export const webhookKeys = {
  all: ["webhooks"],
  one: (id: string) => ["webhooks", id],
} as const;

export const webhooksQuery = queryOptions({
  queryKey: webhookKeys.all,
  queryFn: async ({ signal }) =>
    (await request(`${apiPath("webhooks")}?limit=100`, z.array(webhookSchema), { signal })).data,
});

export const webhookQuery = (id: string) =>
  queryOptions({
    queryKey: webhookKeys.one(id),
    queryFn: async ({ signal }) =>
      (await request(apiPath("webhooks", id), webhookDetailSchema, { signal })).data,
    refetchInterval: REFRESH_MS,
  });

/** This answer and that of `rotateSecret` alone hold the secret. */
export async function createWebhook(input: WebhookCreate): Promise<WebhookWithSecret> {
  return (await request(apiPath("webhooks"), webhookWithSecretSchema, { method: "POST", body: input })).data;
}

export async function rotateSecret(id: string, overlapHours: number): Promise<WebhookWithSecret> {
  const options = { method: "POST", body: { overlapHours } } as const;
  return (await request(apiPath("webhooks", id, "rotate"), webhookWithSecretSchema, options)).data;
}

export async function testWebhook(id: string): Promise<WebhookDelivery> {
  return (await request(apiPath("webhooks", id, "test"), webhookDeliverySchema, { method: "POST" })).data;
}

export function updateWebhook(id: string, change: WebhookUpdate): Promise<void> {
  return command(apiPath("webhooks", id), { method: "PUT", body: change });
}

export function deleteWebhook(id: string): Promise<void> {
  return command(apiPath("webhooks", id), { method: "DELETE" });
}
