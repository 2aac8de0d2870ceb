import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./errors.ts";

const RETRIES = 2;

/** What was read stays fresh for half a minute; the feed keeps lists current meanwhile. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        // An answer of the API is an answer; only silence is worth asking again.
        retry: (failures, error) => failures < RETRIES && !(error instanceof ApiError && error.status < 500),
      },
    },
  });
}
