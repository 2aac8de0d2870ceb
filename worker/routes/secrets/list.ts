import { z } from "zod";
import { secretSchema } from "#protocol/api/secrets.ts";
import { operation } from "../../http/operation.ts";
import { listSecrets } from "../../services/secrets/list.ts";

export const list = operation(
  {
    method: "get",
    path: "/secrets",
    tag: "Secrets",
    summary: "List the names of the secrets that agents hold, or were sent",
    description:
      "Names, kinds of providers, and which agents hold them, as these have last said. Values are on the agents' hosts only: no operation reads them.",
    access: "secrets:read",
    response: z.array(secretSchema),
  },
  async ({ c, caller }) => ({ data: await listSecrets(c.env, caller.organization.id) }),
);
