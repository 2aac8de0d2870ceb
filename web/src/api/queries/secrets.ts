import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { secretSchema } from "#protocol/api/secrets.ts";
import type { Envelopes } from "#protocol/sealing/recipients.ts";
import { apiPath, command, request } from "../client.ts";

/** Agents that are connected answer within a moment. */
const PENDING_LOOK_MS = 2_000;

export const secretsQuery = queryOptions({
  queryKey: ["secrets"],
  queryFn: async ({ signal }) => (await request(apiPath("secrets"), z.array(secretSchema), { signal })).data,
  refetchInterval: ({ state: { data } }) => {
    const waits = data?.some(({ deliveries }) => deliveries.some(({ state }) => state === "pending"));
    return waits ? PENDING_LOOK_MS : false;
  },
});

export function putSecret(name: string, envelopes: Envelopes): Promise<void> {
  return command(apiPath("secrets", name), { method: "PUT", body: { envelopes } });
}

export function removeSecret(name: string): Promise<void> {
  return command(apiPath("secrets", name), { method: "DELETE" });
}
