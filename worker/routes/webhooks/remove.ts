import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { removeWebhook } from "../../services/webhooks/remove.ts";
import { webhookParamsSchema } from "./params.ts";

export const remove = operation(
  {
    method: "delete",
    path: "/webhooks/{webhookId}",
    tag: "Webhooks",
    summary: "Delete a webhook",
    access: "webhooks:write",
    params: webhookParamsSchema,
    response: z.object({ id: z.string() }),
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    await removeWebhook(c.env, caller, params.webhookId);
    return { data: { id: params.webhookId } };
  },
);
