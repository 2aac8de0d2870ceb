import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import type { Scope } from "#protocol/actor.ts";
import { type ApiKeyCreated, apiKeyCreatedSchema, apiKeySchema } from "#protocol/api/keys.ts";
import { apiPath, command, request } from "../client.ts";

export const apiKeyKeys = { all: ["api-keys"] } as const;

export const apiKeysQuery = queryOptions({
  queryKey: apiKeyKeys.all,
  queryFn: async ({ signal }) =>
    (await request(`${apiPath("api-keys")}?limit=100`, z.array(apiKeySchema), { signal })).data,
});

export interface ApiKeyInput {
  name: string;
  scopes: Scope[];
  expiresInDays?: number;
}

/** The only answer that holds the key itself. */
export async function createApiKey(input: ApiKeyInput): Promise<ApiKeyCreated> {
  return (await request(apiPath("api-keys"), apiKeyCreatedSchema, { method: "POST", body: input })).data;
}

export function revokeApiKey(id: string): Promise<void> {
  return command(apiPath("api-keys", id), { method: "DELETE" });
}
