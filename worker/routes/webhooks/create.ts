import { webhookCreateSchema, webhookWithSecretSchema } from "#protocol/api/webhooks.ts";
import { operation } from "../../http/operation.ts";
import { createWebhook } from "../../services/webhooks/create.ts";

export const create = operation(
  {
    method: "post",
    path: "/webhooks",
    tag: "Webhooks",
    summary: "Create a webhook",
    description:
      "Each event is sent to its address as a signed `POST`, as Standard Webhooks says. The secret, which proves where a message comes from, is in this answer only.",
    access: "webhooks:write",
    body: webhookCreateSchema,
    example: {
      name: "chat",
      url: "https://hooks.example.com/farhand",
      events: ["execution.finished", "agent.quarantined"],
    },
    response: webhookWithSecretSchema,
    status: 201,
    errors: ["conflict"],
  },
  async ({ c, caller, body }) => ({ data: await createWebhook(c.env, c.var.settings, caller, body) }),
);
