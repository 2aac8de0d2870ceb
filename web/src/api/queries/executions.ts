import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import type { Trigger } from "#protocol/actor.ts";
import {
  type Execution,
  type ExecutionCreate,
  type ExecutionRetry,
  type ExecutionSummary,
  executionSchema,
  executionSummarySchema,
} from "#protocol/api/executions.ts";
import { namedLockSchema } from "#protocol/api/locks.ts";
import type { ExecutionState } from "#protocol/states.ts";
import { apiPath, command, request, requestBytes } from "../client.ts";
import { pagedQuery } from "../paging.ts";

export interface ExecutionFilter {
  runbookId?: string;
  state?: ExecutionState;
  trigger?: Trigger["type"];
  /** Part of the title. */
  text?: string;
  /** Only what the person started, also through a key. */
  mine?: "1";
}

export const executionKeys = {
  all: ["executions"],
  lists: ["executions", "list"],
  list: (filter: ExecutionFilter) => ["executions", "list", filter],
  retries: (id: string) => ["executions", "retries", id],
  one: (id: string) => ["executions", id],
} as const;

export const executionsQuery = (filter: ExecutionFilter = {}) => {
  const query = new URLSearchParams({ ...filter }).toString();
  return pagedQuery(
    executionKeys.list(filter),
    `${apiPath("executions")}${query && `?${query}`}`,
    executionSummarySchema,
  );
};

export const executionQuery = (id: string) =>
  queryOptions({
    queryKey: executionKeys.one(id),
    queryFn: ({ signal }) => readExecution(id, signal),
    // The page follows the stream from here on; a later visit reads it anew.
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });

const LOCKS_EVERY_MS = 5_000;

/** Who holds and who waits for locks; read again and again, since no stream tells of it. */
export const locksQuery = queryOptions({
  queryKey: ["locks"],
  queryFn: async ({ signal }) => (await request(apiPath("locks"), z.array(namedLockSchema), { signal })).data,
  staleTime: 0,
  refetchInterval: LOCKS_EVERY_MS,
});

/** The executions that retried this one, newest first. */
export const retriesQuery = ({ id, runbookId, createdAt }: Execution) =>
  queryOptions({
    queryKey: executionKeys.retries(id),
    queryFn: async ({ signal }) => {
      const query = new URLSearchParams({ runbookId, trigger: "retry", since: createdAt, limit: "100" });
      const path = `${apiPath("executions")}?${query}`;
      const { data } = await request(path, z.array(executionSummarySchema), { signal });
      return data.filter(({ trigger }) => trigger.type === "retry" && trigger.executionId === id);
    },
  });

export async function readExecution(id: string, signal?: AbortSignal): Promise<Execution> {
  return (await request(apiPath("executions", id), executionSchema, { signal })).data;
}

/** With the same key a repeat starts nothing and answers with what was started before. */
export async function startExecution(
  runbookId: string,
  body: ExecutionCreate,
  idempotencyKey: string,
): Promise<ExecutionSummary> {
  const answer = await request(apiPath("runbooks", runbookId, "executions"), executionSummarySchema, {
    method: "POST",
    body,
    headers: { "Idempotency-Key": idempotencyKey },
  });
  return answer.data;
}

/** `force` waits for nothing: what cannot be confirmed is given up. */
export function cancelExecution(id: string, { force }: { force: boolean }): Promise<void> {
  return command(apiPath("executions", id, "cancel"), { method: "POST", body: { force } });
}

/** Hides an execution that has ended; its record stays. */
export function deleteExecution(id: string): Promise<void> {
  return command(apiPath("executions", id), { method: "DELETE" });
}

export function controlExecution(id: string, verb: "pause" | "resume"): Promise<void> {
  return command(apiPath("executions", id, verb), { method: "POST", body: {} });
}

/** Answers a step that waits for a person, or skips it. */
export function answerStep(id: string, step: string, verb: string, body: object): Promise<void> {
  return command(apiPath("executions", id, "steps", step, verb), { method: "POST", body });
}

/** With the same key a repeat starts nothing. */
export async function retryExecution(
  id: string,
  from: ExecutionRetry,
  idempotencyKey: string,
): Promise<ExecutionSummary> {
  const answer = await request(apiPath("executions", id, "retry"), executionSummarySchema, {
    method: "POST",
    body: from,
    headers: { "Idempotency-Key": idempotencyKey },
  });
  return answer.data;
}

export function streamPath(id: string): string {
  return apiPath("executions", id, "stream");
}

/** Output frames in a row, from the chunk that holds the line. */
export function readOutput(
  id: string,
  step: string,
  line: number,
  bytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return requestBytes(
    `${apiPath("executions", id, "steps", step, "chunks")}?line=${line}&bytes=${bytes}`,
    signal,
  );
}

/** Where the raw bytes of one stream of a step are downloaded. */
export function rawOutputPath(id: string, step: string, stream: "stdout" | "stderr"): string {
  return `${apiPath("executions", id, "steps", step, "output")}?stream=${stream}`;
}

export function wholeOutputPath(id: string): string {
  return apiPath("executions", id, "output");
}
