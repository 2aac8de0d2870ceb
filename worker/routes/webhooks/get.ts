import { webhookDetailSchema } from "#protocol/api/webhooks.ts";
import { tenantDb } from "../../db/tenant.ts";
import { notFound } from "../../errors.ts";
import { operation } from "../../http/operation.ts";
import { webhookParamsSchema } from "./params.ts";

export const get = operation(
  {
    method: "get",
    path: "/webhooks/{webhookId}",
    tag: "Webhooks",
    summary: "Get a webhook and its last deliveries",
    access: "webhooks:read",
    params: webhookParamsSchema,
    response: webhookDetailSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    const { webhooks, webhookDeliveries } = tenantDb(c.env.DB, caller.organization.id);
    const [webhook, deliveries] = await Promise.all([
      webhooks.get(params.webhookId),
      webhookDeliveries.list(params.webhookId),
    ]);
    if (!webhook) throw notFound("webhook");
    return { data: { ...webhook, deliveries } };
  },
);
