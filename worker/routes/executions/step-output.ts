import { z } from "zod";
import { STREAMS } from "#protocol/chunk.ts";
import { operation } from "../../http/operation.ts";
import { executionParamsSchema, streamFrom } from "./params.ts";

export const stepOutput = operation(
  {
    method: "get",
    path: "/executions/{executionId}/steps/{stepId}/output",
    tag: "Executions",
    summary: "Read the output of one step, byte for byte",
    access: "executions:read",
    params: executionParamsSchema.extend({ stepId: z.string() }),
    query: z.strictObject({
      stream: z.enum(STREAMS).optional().describe("Only this stream; both in order when absent."),
      offset: z.coerce.number().int().nonnegative().optional().describe("Bytes to leave out at the start."),
      limit: z.coerce.number().int().positive().optional().describe("Most bytes to answer with."),
    }),
    streams: { "text/plain": { description: "Raw bytes." } },
    errors: ["not_found"],
  },
  ({ c, caller, params, query }) =>
    streamFrom(c, caller, params.executionId, `/steps/${encodeURIComponent(params.stepId)}/output`, query),
);
