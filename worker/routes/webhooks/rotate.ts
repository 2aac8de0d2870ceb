import { webhookRotateSchema, webhookWithSecretSchema } from "#protocol/api/webhooks.ts";
import { operation } from "../../http/operation.ts";
import { rotateWebhookSecret } from "../../services/webhooks/rotate.ts";
import { webhookParamsSchema } from "./params.ts";

export const rotate = operation(
  {
    method: "post",
    path: "/webhooks/{webhookId}/rotate",
    tag: "Webhooks",
    summary: "Give a webhook a new secret",
    description:
      "The new secret is in this answer only. For `overlapHours` messages have two signatures, so that the receiver can change over in peace; 0 ends the old one at once.",
    access: "webhooks:write",
    params: webhookParamsSchema,
    body: webhookRotateSchema,
    bodyOptional: true,
    response: webhookWithSecretSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params, body }) => ({
    data: await rotateWebhookSecret(c.env, c.var.settings, caller, params.webhookId, body.overlapHours),
  }),
);
