import { queryOptions } from "@tanstack/react-query";
import {
  type Runbook,
  runbookSchema,
  runbookSummarySchema,
  versionSchema,
  versionSummarySchema,
} from "#protocol/api/runbooks.ts";
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
      (await request(apiPath("runbooks", id, "versions", number), versionSchema, { signal })).data,
    // A version never changes.
    staleTime: Number.POSITIVE_INFINITY,
  });

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
