import { z } from "zod";
import { recordedEventSchema } from "#protocol/events.ts";
import { ApiError, notFound } from "../../errors.ts";
import { operation } from "../../http/operation.ts";
import { callObject } from "../../objects.ts";
import {
  coordinatorFor,
  executionParamsSchema,
  followAs,
  liveStreamIn,
  waitMsOf,
  waitSchema,
} from "./params.ts";

const seqSchema = z.coerce.number().int().nonnegative();

export const events = operation(
  {
    method: "get",
    path: "/executions/{executionId}/events",
    tag: "Executions",
    summary: "Read the event log of an execution",
    description:
      "A page of events after a sequence number; with `wait` it is held back until it has one, the execution has ended, or the time is over. With `Accept: text/event-stream` the events and the output as they happen, until the execution has ended; `Last-Event-ID` resumes. With `Accept: text/plain` all of the output, and only that, as it is printed.",
    access: "executions:read",
    params: executionParamsSchema,
    query: z.strictObject({
      after: seqSchema.default(0).describe("Only what comes after this sequence number."),
      wait: waitSchema,
      limit: z.coerce.number().int().min(1).max(1000).default(200),
    }),
    headers: z.object({ "last-event-id": z.string().optional().describe("Wins over `after` in a stream.") }),
    response: z.object({ events: z.array(recordedEventSchema), head: z.number().int() }),
    streams: {
      "text/event-stream": { description: "Server-sent events to the end of the execution." },
      "text/plain": { description: "The output of all steps, in order, to the end of the execution." },
    },
    errors: ["not_found"],
  },
  async ({ c, caller, params, query }) => {
    const live = liveStreamIn(c);
    if (live) {
      const after = lastEventId(c.req.header("last-event-id")) ?? query.after;
      return followAs(live, c, caller, params.executionId, after);
    }
    const coordinator = coordinatorFor(c, caller, params.executionId);
    const page = await callObject(coordinator, (object) =>
      object.events(query.after, query.limit, waitMsOf(query.wait)),
    );
    if (!page) throw notFound("execution");
    return { data: page };
  },
);

function lastEventId(header: string | undefined): number | undefined {
  if (header === undefined || header === "") return undefined;
  const seq = seqSchema.safeParse(header);
  if (seq.success) return seq.data;
  throw new ApiError("invalid_request", "Last-Event-ID must be the sequence number of an event.");
}
