import { z } from "zod";
import { operation } from "../../http/operation.ts";
import { attemptQuery, executionParamsSchema, streamFrom } from "./params.ts";

const BYTES_MAX = 4 * 1024 * 1024;

export const stepChunks = operation(
  {
    method: "get",
    path: "/executions/{executionId}/steps/{stepId}/chunks",
    tag: "Executions",
    summary: "Read the output of one step from a line on, with times and streams",
    access: "executions:read",
    params: executionParamsSchema.extend({ stepId: z.string() }),
    query: z.strictObject({
      line: z.coerce
        .number()
        .int()
        .nonnegative()
        .default(0)
        .describe("Start with the chunk that holds this line."),
      bytes: z.coerce
        .number()
        .int()
        .min(1)
        .max(BYTES_MAX)
        .default(BYTES_MAX / 4)
        .describe("About how much."),
      ...attemptQuery,
    }),
    streams: {
      "application/octet-stream": { description: "Output frames of the viewer protocol in a row." },
    },
    errors: ["not_found"],
  },
  ({ c, caller, params, query }) =>
    streamFrom(c, caller, params.executionId, `/steps/${encodeURIComponent(params.stepId)}/chunks`, query),
);
