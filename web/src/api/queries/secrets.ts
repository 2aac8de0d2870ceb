import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { secretSchema } from "#protocol/api/secrets.ts";
import { apiPath, request } from "../client.ts";

export const secretsQuery = queryOptions({
  queryKey: ["secrets"],
  queryFn: async ({ signal }) => (await request(apiPath("secrets"), z.array(secretSchema), { signal })).data,
});
