import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Agent, JoinTokenCreated } from "#protocol/api/pools.ts";
import { allItems } from "../../api/paging.ts";
import { agentKeys, agentsQuery } from "../../api/queries/agents.ts";

/** The feed tells of an agent that connects; enrolling alone is only seen by asking. */
const ASK_EVERY_MS = 4_000;

/** The agent that joined the token's pool since the token was made; undefined until there is one. */
export function useNewAgent(token: JoinTokenCreated): Agent | undefined {
  const queries = useQueryClient();
  const [before] = useState(
    () => new Set(allItems(queries.getQueryData(agentsQuery.queryKey)).map((agent) => agent.id)),
  );
  const findNew = (agents: readonly Agent[]) =>
    agents.find((agent) => agent.poolId === token.poolId && !before.has(agent.id));
  const query = useInfiniteQuery({
    ...agentsQuery,
    refetchInterval: ({ state }) => (findNew(allItems(state.data))?.presence ? false : ASK_EVERY_MS),
  });
  const agents = allItems(query.data);
  // Whoever has come in has used a token: how often each of them is good has changed.
  const { length } = agents;
  useEffect(() => {
    if (length > before.size) void queries.invalidateQueries({ queryKey: agentKeys.joinTokens });
  }, [queries, before, length]);
  return findNew(agents);
}
