import { signingKeyCreateSchema, signingKeySchema } from "#protocol/api/signatures.ts";
import { operation } from "../../http/operation.ts";
import { registerSigningKey } from "../../services/signing-keys/register.ts";

export const create = operation(
  {
    method: "post",
    path: "/signing-keys",
    tag: "Signatures",
    summary: "Register a public key to sign with",
    description:
      "Only the public half is ever sent. Agents do not trust a key because it is registered: each host names the keys that it knows.",
    access: "runbooks:write",
    body: signingKeyCreateSchema,
    response: signingKeySchema,
    status: 201,
    errors: ["invalid_signature", "conflict"],
  },
  async ({ c, caller, body }) => ({ data: await registerSigningKey(c.env, caller, body) }),
);
