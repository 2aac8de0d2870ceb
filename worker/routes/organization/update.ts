import { organizationSchema, organizationUpdateSchema } from "#protocol/api/organization.ts";
import { operation } from "../../http/operation.ts";
import { updateOrganization } from "../../services/organization/update.ts";

export const update = operation(
  {
    method: "put",
    path: "/organization",
    tag: "Organization",
    summary: "Limit how many executions run at once, and for how long they are kept",
    description:
      "What is left out stays as it is; null takes a limit away. Executions over `maxExecutions` queue, with the reason `organization_full`; what runs goes on. Executions that ended more than `retentionDays` ago are deleted for good, with their output; this cannot be undone.",
    access: "organization:write",
    body: organizationUpdateSchema,
    example: { retentionDays: 365 },
    response: organizationSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, body }) => ({ data: await updateOrganization(c.env, caller, body) }),
);
