import { z } from "zod";
import { versionSignatureCreateSchema, versionSignatureSchema } from "#protocol/api/signatures.ts";
import { operation } from "../../http/operation.ts";
import { signVersion } from "../../services/runbooks/sign.ts";
import { versionParamsSchema } from "./params.ts";

export const sign = operation(
  {
    method: "post",
    path: "/runbooks/{runbookId}/versions/{number}/signatures",
    tag: "Signatures",
    summary: "Sign a version",
    description:
      "Takes a statement that was signed elsewhere: by `farhand sign`, or in a browser. Answers with all signatures of the version. Plans that are made from then on carry it to agents.",
    access: "runbooks:write",
    params: versionParamsSchema,
    body: versionSignatureCreateSchema,
    response: z.array(versionSignatureSchema),
    status: 201,
    errors: ["not_found", "invalid_signature"],
  },
  async ({ c, caller, params, body }) => ({
    data: await signVersion(c.env, caller, { ...params, ...body }),
  }),
);
