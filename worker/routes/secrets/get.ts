import { secretSchema } from "#protocol/api/secrets.ts";
import { operation } from "../../http/operation.ts";
import { getSecret } from "../../services/secrets/get.ts";
import { secretParamsSchema } from "./params.ts";

export const get = operation(
  {
    method: "get",
    path: "/secrets/{name}",
    tag: "Secrets",
    summary: "Get where a secret is",
    description:
      "Which agents hold it, which were sent it and have not answered yet, and which refused it, and why. Neither its value nor what was sealed is in any answer.",
    access: "secrets:read",
    params: secretParamsSchema,
    response: secretSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => ({ data: await getSecret(c.env, caller.organization.id, params.name) }),
);
