import { webhookDeliverySchema } from "#protocol/api/webhooks.ts";
import { operation } from "../../http/operation.ts";
import { testWebhook } from "../../services/webhooks/test.ts";
import { webhookParamsSchema } from "./params.ts";

export const test = operation(
  {
    method: "post",
    path: "/webhooks/{webhookId}/test",
    tag: "Webhooks",
    summary: "Send a test to a webhook, and hear how that went",
    description: "Sends `webhook.test` once, also to a webhook that is disabled, and waits up to 10 s.",
    access: "webhooks:write",
    params: webhookParamsSchema,
    response: webhookDeliverySchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => ({ data: await testWebhook(c.env, caller, params.webhookId) }),
);
