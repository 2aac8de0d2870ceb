import { z } from "zod";
import { STREAMS } from "#protocol/chunk.ts";
import { ApiError } from "../../errors.ts";
import { operation } from "../../http/operation.ts";
import { attemptQuery, executionParamsSchema, streamFrom, tailOf, tailQuery } from "./params.ts";

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
      ...tailQuery,
      ...attemptQuery,
    }),
    streams: { "text/plain": { description: "Raw bytes." } },
    errors: ["not_found"],
  },
  ({ c, caller, params, query: { tail, ...range } }) => {
    if (tail !== undefined && (range.offset !== undefined || range.limit !== undefined)) {
      throw new ApiError(
        "invalid_request",
        "Ask for a tail or for a range with offset and limit, not for both.",
      );
    }
    const path = `/steps/${encodeURIComponent(params.stepId)}/output`;
    return streamFrom(c, caller, params.executionId, path, { ...range, ...tailOf(tail) });
  },
);
