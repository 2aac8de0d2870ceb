import { queryOptions } from "@tanstack/react-query";
import { comparisonSchema } from "#protocol/api/differences.ts";
import type { ExecutionCreate } from "#protocol/api/executions.ts";
import { type Preview, previewSchema } from "#protocol/api/previews.ts";
import {
  type Runbook,
  runbookSchema,
  runbookSummarySchema,
  versionSummarySchema,
} from "#protocol/api/runbooks.ts";
import { signedVersionSchema } from "#protocol/api/signatures.ts";
import { apiPath, command, request } from "../client.ts";
import { pagedQuery } from "../paging.ts";

export const runbookKeys = {
  all: ["runbooks"],
  one: (id: string) => ["runbooks", id],
  versions: (id: string) => ["runbooks", id, "versions"],
  version: (id: string, number: number) => ["runbooks", id, "versions", number],
} as const;

/** A runbook and the tag that says which state of it was read. */
export interface ReadRunbook {
  runbook: Runbook;
  etag: string | undefined;
}

export const runbooksQuery = pagedQuery(
  [...runbookKeys.all, "list"],
  apiPath("runbooks"),
  runbookSummarySchema,
);

export const runbookQuery = (id: string) =>
  queryOptions({
    queryKey: runbookKeys.one(id),
    queryFn: async ({ signal }): Promise<ReadRunbook> => {
      const { data, etag } = await request(apiPath("runbooks", id), runbookSchema, { signal });
      return { runbook: data, etag };
    },
  });

export const versionsQuery = (id: string) =>
  pagedQuery(runbookKeys.versions(id), apiPath("runbooks", id, "versions"), versionSummarySchema);

export const versionQuery = (id: string, number: number) =>
  queryOptions({
    queryKey: runbookKeys.version(id, number),
    queryFn: async ({ signal }) =>
      (await request(apiPath("runbooks", id, "versions", number), signedVersionSchema, { signal })).data,
  });

export const comparisonQuery = (id: string, from: number, to: number) =>
  queryOptions({
    queryKey: [...runbookKeys.versions(id), "compare", from, to],
    queryFn: async ({ signal }) => {
      const path = `${apiPath("runbooks", id, "compare")}?from=${from}&to=${to}`;
      return (await request(path, comparisonSchema, { signal })).data;
    },
    // Versions never change.
    staleTime: Number.POSITIVE_INFINITY,
  });

/** The content of an earlier version becomes a new one. */
export async function rollBackRunbook(
  id: string,
  version: number,
  etag: string | undefined,
): Promise<ReadRunbook> {
  const answer = await request(apiPath("runbooks", id, "rollback"), runbookSchema, {
    method: "POST",
    body: { version },
    headers: { "If-Match": etag ?? "*" },
  });
  return { runbook: answer.data, etag: answer.etag };
}

/** What running it would do, without doing any of it. */
export async function previewRunbook(id: string, body: ExecutionCreate): Promise<Preview> {
  return (await request(apiPath("runbooks", id, "plan"), previewSchema, { method: "POST", body })).data;
}

export async function createRunbook(source: string): Promise<ReadRunbook> {
  const { data, etag } = await request(apiPath("runbooks"), runbookSchema, {
    method: "POST",
    body: { source },
  });
  return { runbook: data, etag };
}

/** @throws ApiError with code `precondition_failed` when somebody else saved in between. */
export async function updateRunbook(
  id: string,
  source: string,
  etag: string | undefined,
): Promise<ReadRunbook> {
  const answer = await request(apiPath("runbooks", id), runbookSchema, {
    method: "PUT",
    body: { source },
    headers: { "If-Match": etag ?? "*" },
  });
  return { runbook: answer.data, etag: answer.etag };
}

export function deleteRunbook(id: string): Promise<void> {
  return command(apiPath("runbooks", id), { method: "DELETE" });
}
