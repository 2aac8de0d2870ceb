import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { executionParamsSchema, streamFrom, tailOf, tailQuery } from "./params.ts";

export const output = operation(
  {
    method: "get",
    path: "/executions/{executionId}/output",
    tag: "Executions",
    summary: "Read the whole output of an execution as text",
    access: "executions:read",
    params: executionParamsSchema,
    query: z.strictObject({
      follow: z
        .enum(["0", "1"])
        .default("0")
        .describe("1 keeps the answer open until the execution has ended."),
      ...tailQuery,
    }),
    streams: { "text/plain": { description: "The output of all steps, in order." } },
    errors: ["not_found"],
  },
  ({ c, caller, params, query }) =>
    streamFrom(c, caller, params.executionId, "/output.txt", {
      ...(query.follow === "1" && { follow: "1" }),
      ...tailOf(query.tail),
    }),
);
