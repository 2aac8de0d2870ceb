import { webhookSchema, webhookUpdateSchema } from "#protocol/api/webhooks.ts";
import { operation } from "../../http/operation.ts";
import { updateWebhook } from "../../services/webhooks/update.ts";
import { webhookParamsSchema } from "./params.ts";

export const update = operation(
  {
    method: "put",
    path: "/webhooks/{webhookId}",
    tag: "Webhooks",
    summary: "Change a webhook, disable or enable it",
    description:
      "What is left out stays as it is. What happens while it is disabled is not sent later; what was waiting for another attempt is dropped.",
    access: "webhooks:write",
    params: webhookParamsSchema,
    body: webhookUpdateSchema,
    example: { enabled: false },
    response: webhookSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params, body }) => ({
    data: await updateWebhook(c.env, c.var.settings, caller, params.webhookId, body),
  }),
);
