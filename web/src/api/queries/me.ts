import { queryOptions } from "@tanstack/react-query";
import { meSchema } from "#protocol/api/keys.ts";
import { apiPath, request } from "../client.ts";

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async ({ signal }) => (await request(apiPath("me"), meSchema, { signal })).data,
  staleTime: 5 * 60_000,
});
