import { organizationSchema } from "#protocol/api/organization.ts";
import { tenantDb } from "../../db/tenant.ts";
import { notFound } from "../../errors.ts";
import { operation } from "../../http/operation.ts";

export const get = operation(
  {
    method: "get",
    path: "/organization",
    tag: "Organization",
    summary: "Get your organization and its settings",
    access: "any",
    response: organizationSchema,
    errors: ["not_found"],
  },
  async ({ c, caller }) => {
    const organization = await tenantDb(c.env.DB, caller.organization.id).organization.get();
    if (!organization) throw notFound("organization");
    return { data: organization };
  },
);
