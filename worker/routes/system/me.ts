import { meSchema } from "#protocol/api/keys.ts";
import { operation } from "../../http/operation.ts";

export const me = operation(
  {
    method: "get",
    path: "/me",
    tag: "System",
    summary: "Who is calling, in which organization, and what they may do",
    access: "any",
    response: meSchema,
  },
  async ({ caller }) => ({
    data: {
      organization: caller.organization,
      actor: { ...caller.actor, email: caller.email },
      scopes: [...caller.scopes],
    },
  }),
);
