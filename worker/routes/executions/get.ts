import { z } from "zod";
import { executionSchema } from "#protocol/api/executions.ts";
import { notFound } from "../../errors.ts";
import { operation } from "../../http/operation.ts";
import { callObject } from "../../objects.ts";
import { coordinatorFor, executionParamsSchema, waitMsOf, waitSchema } from "./params.ts";

export const get = operation(
  {
    method: "get",
    path: "/executions/{executionId}",
    tag: "Executions",
    summary: "Get an execution with its plan and its steps",
    access: "executions:read",
    description:
      "With `wait` the answer comes as soon as its log goes on after the sequence number `after`, it has ended, or the time is over: for clients that can follow neither server-sent events nor a WebSocket.",
    params: executionParamsSchema,
    query: z.strictObject({
      wait: waitSchema,
      after: z.coerce.number().int().nonnegative().default(0).describe("The `head` of the last answer."),
    }),
    response: executionSchema,
    errors: ["not_found"],
  },
  async ({ c, caller, params, query: { wait, after } }) => {
    const coordinator = coordinatorFor(c, caller, params.executionId);
    const withinMs = waitMsOf(wait);
    const until = withinMs === undefined ? undefined : { after, withinMs };
    const execution = await callObject(coordinator, (object) => object.read(until));
    if (!execution) throw notFound("execution");
    return { data: execution };
  },
);
