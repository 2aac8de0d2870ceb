import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import {
  type Agent,
  agentSchema,
  type JoinTokenCreate,
  type JoinTokenCreated,
  joinTokenCreatedSchema,
  joinTokenSchema,
  type Pool,
  type PoolUpdate,
  poolSchema,
} from "#protocol/api/pools.ts";
import { type Answer, apiPath, command, request } from "../client.ts";
import { pagedQuery } from "../paging.ts";

export const agentKeys = {
  agents: ["agents"],
  pools: ["pools"],
  joinTokens: ["join-tokens"],
} as const;

export const agentsQuery = pagedQuery(agentKeys.agents, `${apiPath("agents")}?limit=100`, agentSchema);

/** All of them, for choosing among them. */
export const everyAgentQuery = queryOptions({
  queryKey: [...agentKeys.agents, "every"],
  queryFn: async ({ signal }) => {
    const agents: Agent[] = [];
    let path: string | undefined = `${apiPath("agents")}?limit=100`;
    while (path !== undefined) {
      const page: Answer<Agent[]> = await request(path, z.array(agentSchema), { signal });
      agents.push(...page.data);
      const { nextCursor } = page.metadata;
      path = nextCursor && `${apiPath("agents")}?limit=100&cursor=${encodeURIComponent(nextCursor)}`;
    }
    return agents;
  },
});

export const poolsQuery = queryOptions({
  queryKey: agentKeys.pools,
  queryFn: async ({ signal }) =>
    (await request(`${apiPath("pools")}?limit=100`, z.array(poolSchema), { signal })).data,
});

/** The newest hundred: those that still let somebody in are among them. */
export const joinTokensQuery = queryOptions({
  queryKey: agentKeys.joinTokens,
  queryFn: async ({ signal }) =>
    (await request(`${apiPath("join-tokens")}?limit=100`, z.array(joinTokenSchema), { signal })).data,
});

export async function createPool(name: string): Promise<Pool> {
  return (await request(apiPath("pools"), poolSchema, { method: "POST", body: { name } })).data;
}

export async function changePool(id: string, body: PoolUpdate): Promise<Pool> {
  return (await request(apiPath("pools", id), poolSchema, { method: "PUT", body })).data;
}

export async function createJoinToken(body: JoinTokenCreate): Promise<JoinTokenCreated> {
  return (await request(apiPath("join-tokens"), joinTokenCreatedSchema, { method: "POST", body })).data;
}

export function removeJoinToken(id: string): Promise<void> {
  return command(apiPath("join-tokens", id), { method: "DELETE" });
}

export function releaseAgent(id: string): Promise<void> {
  return command(apiPath("agents", id, "release"), { method: "POST" });
}

export function revokeAgent(id: string): Promise<void> {
  return command(apiPath("agents", id), { method: "DELETE" });
}
