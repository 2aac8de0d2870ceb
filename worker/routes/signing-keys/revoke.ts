import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { revokeSigningKey } from "../../services/signing-keys/revoke.ts";

export const revoke = operation(
  {
    method: "delete",
    path: "/signing-keys/{signingKeyId}",
    tag: "Signatures",
    summary: "Revoke a public key",
    description:
      "From then on nothing new is signed with it here, and new plans leave its signatures out. Hosts that name the key go on knowing it: take it out of their policy too. Another's key needs the scope `keys:write`. Safe to repeat.",
    access: "runbooks:write",
    params: z.object({ signingKeyId: z.string().describe("An id like sgk_…") }),
    response: z.object({ id: z.string() }),
    errors: ["not_found"],
  },
  async ({ c, caller, params }) => {
    await revokeSigningKey(c.env, caller, params.signingKeyId);
    return { data: { id: params.signingKeyId } };
  },
);
