import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { isNotFound } from "../api/errors.ts";
import { ErrorState } from "../components/ErrorState.tsx";
import { NotFoundPage } from "./NotFoundPage.tsx";

interface Props<Data> {
  what: "runbook" | "version" | "comparison" | "execution";
  query: UseQueryResult<Data>;
  /** Waits for what is being read, also when an older state of it is in the cache. */
  fresh?: boolean;
  loading: ReactNode;
  children(data: Data): ReactNode;
}

/** A page of one thing: while it is read, when it cannot be or does not exist, and once it is there. */
export function ReadPage<Data>({ what, query, fresh, loading, children }: Props<Data>) {
  const { data, error } = query;
  if (isNotFound(error)) return <NotFoundPage what={what} />;
  const stale = fresh && query.isFetching && !query.isFetchedAfterMount;
  if (data !== undefined && !stale) return children(data);
  if (!error || stale) return loading;
  return <ErrorState what={`The ${what}`} error={error} onRetry={() => query.refetch()} />;
}
