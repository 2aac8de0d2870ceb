import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { removeSecret } from "../../services/secrets/remove.ts";
import { secretParamsSchema } from "./params.ts";

export const remove = operation(
  {
    method: "delete",
    path: "/secrets/{name}",
    tag: "Secrets",
    summary: "Have agents forget a sealed secret",
    description:
      "Asks every agent that was sent it, and those that are away when they connect. What a host has from its own providers stays. Safe to repeat.",
    access: "secrets:write",
    params: secretParamsSchema,
    response: z.object({ name: z.string() }),
    errors: ["not_found"],
  },
  async ({ c, caller, params: { name } }) => {
    await removeSecret(c.env, caller, name);
    return { data: { name } };
  },
);
