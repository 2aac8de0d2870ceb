import { secretPutSchema, secretSchema } from "#protocol/api/secrets.ts";
import { operation } from "../../http/operation.ts";
import { getSecret } from "../../services/secrets/get.ts";
import { putSecret } from "../../services/secrets/put.ts";
import { secretParamsSchema } from "./params.ts";

export const put = operation(
  {
    method: "put",
    path: "/secrets/{name}",
    tag: "Secrets",
    summary: "Send a sealed secret to agents",
    description:
      "The value comes sealed to the key of each agent (HPKE, RFC 9180), as `farhand secrets set` and the web app do it; nothing here can open it. An agent that is away gets it when it connects, within 7 days. Agents that are not named keep what they have. Safe to repeat.",
    access: "secrets:write",
    params: secretParamsSchema,
    body: secretPutSchema,
    response: secretSchema,
    errors: ["not_found", "conflict"],
  },
  async ({ c, caller, params: { name }, body }) => {
    await putSecret(c.env, caller, name, body.envelopes);
    return { data: await getSecret(c.env, caller.organization.id, name) };
  },
);
