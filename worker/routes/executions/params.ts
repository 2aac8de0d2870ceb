import { z } from "zod";
import { isId } from "#protocol/ids.ts";
import { LONG_POLL_MAX_MS } from "#protocol/limits.ts";
import { PATH_MAX_BYTES } from "#protocol/paths.ts";
import type { AppContext } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { credentialHeaders } from "../../feed/contract.ts";
import { withHeaders } from "../../http/respond.ts";
import type { Caller } from "../../identity/caller.ts";
import { coordinatorOf, fetchObject } from "../../objects.ts";

export const executionParamsSchema = z.object({ executionId: z.string().describe("An id like exe_…") });

export const stepParamsSchema = executionParamsSchema.extend({
  stepId: z.string().max(PATH_MAX_BYTES).describe("The step's id, as the execution lists it."),
});

/** Which try of a step is meant. */
export const attemptQuery = {
  attempt: z.coerce
    .number()
    .int()
    .positive()
    .optional()
    .describe("Of this attempt; of the latest when absent."),
};

/** How long an answer may be held back until there is news. */
export const waitSchema = z
  .string()
  .regex(/^\d{1,2}s?$/, { error: `expected up to ${LONG_POLL_MAX_MS / 1000} seconds, such as 30s` })
  .optional()
  .describe("How long to wait for news, in seconds: 30s.");

/** `wait` in ms; undefined when nothing is waited for. */
export function waitMsOf(wait: string | undefined): number | undefined {
  return wait === undefined ? undefined : Math.min(Number.parseInt(wait, 10) * 1000, LONG_POLL_MAX_MS);
}

/** The end of an output instead of all of it. */
export const tailQuery = {
  tail: z
    .string()
    .regex(/^\d{1,7}b?$/, { error: "expected a number of lines, such as 100, or of bytes, such as 4096b" })
    .optional()
    .describe("Only the last so many lines (`100`) or bytes (`4096b`), at most 4 MiB."),
};

/** `tail` as coordinators take it. */
export function tailOf(tail: string | undefined): { tail?: string; unit?: "lines" | "bytes" } {
  if (tail === undefined) return {};
  return tail.endsWith("b") ? { tail: tail.slice(0, -1), unit: "bytes" } : { tail, unit: "lines" };
}

/** The coordinator of one of the caller's executions. @throws ApiError `not_found` for what is no id */
export function coordinatorFor(c: AppContext, caller: Caller, executionId: string) {
  if (!isId("execution", executionId)) throw notFound("execution");
  return coordinatorOf(c.env, caller.organization.id, executionId);
}

/**
 * Passes on a stream or a range of an execution as its coordinator serves it.
 * @throws ApiError `not_found`
 */
export async function streamFrom(
  c: AppContext,
  caller: Caller,
  executionId: string,
  path: string,
  query: Record<string, string | number | undefined> = {},
): Promise<Response> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  const target = `${path}${search.size > 0 ? `?${search}` : ""}`;
  const response = await fetchObject(coordinatorFor(c, caller, executionId), target, {
    headers: credentialHeaders(caller),
    signal: c.req.raw.signal,
  });
  if (response.status === 404) throw notFound("execution, step or attempt");
  return withHeaders(response, {});
}

/**
 * The stream of an execution that the caller's `Accept` names; undefined when
 * it names none, or JSON before it, as clients do that take anything.
 */
export function liveStreamIn(c: AppContext): LiveStream | undefined {
  const accept = c.req.header("accept") ?? "";
  for (const part of accept.split(",")) {
    const type = part.split(";")[0]?.trim().toLowerCase();
    if (type === "application/json") return undefined;
    const live = LIVE_STREAMS.find((each) => each === type);
    if (live) return live;
  }
  return undefined;
}

const LIVE_STREAMS = ["text/event-stream", "text/plain"] as const;
type LiveStream = (typeof LIVE_STREAMS)[number];

/**
 * Follows an execution to its end: its events and output after a sequence
 * number as server-sent events, or its whole output as plain text.
 * @throws ApiError `not_found`
 */
export function followAs(
  type: LiveStream,
  c: AppContext,
  caller: Caller,
  executionId: string,
  after: number,
): Promise<Response> {
  return type === "text/plain"
    ? streamFrom(c, caller, executionId, "/output.txt", { follow: "1" })
    : streamFrom(c, caller, executionId, "/events.sse", { after });
}
