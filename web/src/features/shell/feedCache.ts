/** What a message of the feed changes in the lists that were read. */
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { ExecutionSummary } from "#protocol/api/executions.ts";
import type { Agent } from "#protocol/api/pools.ts";
import type { FeedMessage } from "#protocol/feed.ts";
import type { ListPage } from "../../api/paging.ts";
import { agentKeys } from "../../api/queries/agents.ts";
import { type ExecutionFilter, executionKeys } from "../../api/queries/executions.ts";

export function applyFeedMessage(queries: QueryClient, message: FeedMessage): void {
  switch (message.type) {
    case "execution":
      return applyExecution(queries, message.execution);
    case "execution.removed":
      return changeExecutionLists(queries, (pages) => withoutExecution(pages, message.executionId));
    case "agent":
      return applyPresence(queries, message);
    case "agent.quarantined":
      return void queries.invalidateQueries({ queryKey: agentKeys.agents });
    default:
      message satisfies never;
  }
}

/** Something may have been missed: read again what is on the screen. */
export function refreshLists(queries: QueryClient): void {
  void queries.invalidateQueries({ queryKey: executionKeys.lists });
  void queries.invalidateQueries({ queryKey: agentKeys.agents });
}

function applyExecution(queries: QueryClient, execution: ExecutionSummary): void {
  changeExecutionLists(queries, (pages, filter) => {
    // Whose it is does not stand in the message: the list is asked for again.
    if (filter.mine && !isKnown(pages, execution)) return undefined;
    return withExecution(pages, execution, filter);
  });
  const { trigger } = execution;
  if (trigger.type === "retry") {
    void queries.invalidateQueries({ queryKey: executionKeys.retries(trigger.executionId) });
  }
}

type AgentMessage = Extract<FeedMessage, { type: "agent" }>;

type ExecutionPages = ListPage<ExecutionSummary>[];

/** @param change gives nothing for a list that has to be asked for again */
function changeExecutionLists(
  queries: QueryClient,
  change: (pages: ExecutionPages, filter: ExecutionFilter) => ExecutionPages | undefined,
): void {
  const lists = queries.getQueriesData<InfiniteData<ListPage<ExecutionSummary>>>({
    queryKey: executionKeys.lists,
  });
  for (const [key, list] of lists) {
    if (!list) continue;
    const pages = change(list.pages, (key[2] ?? {}) as ExecutionFilter);
    if (pages) queries.setQueryData(key, { ...list, pages });
    else void queries.invalidateQueries({ queryKey: key });
  }
}

/** Takes the row out, whatever page it is on. */
export function withoutExecution(pages: readonly ListPage<ExecutionSummary>[], id: string): ExecutionPages {
  return pages.map((page) => ({ ...page, items: page.items.filter((item) => item.id !== id) }));
}

/** Replaces the row, puts a new one on top, and takes out one that the filter no longer lets through. */
export function withExecution(
  pages: readonly ListPage<ExecutionSummary>[],
  execution: ExecutionSummary,
  filter: ExecutionFilter,
): ExecutionPages {
  const fits =
    (!filter.runbookId || filter.runbookId === execution.runbookId) &&
    (!filter.state || filter.state === execution.state) &&
    (!filter.trigger || filter.trigger === execution.trigger.type) &&
    (!filter.text || execution.title.toLowerCase().includes(filter.text.toLowerCase()));
  const known = isKnown(pages, execution);
  return pages.map((page, index) => {
    const items = page.items.flatMap((item) => (item.id !== execution.id ? [item] : fits ? [execution] : []));
    return { ...page, items: index === 0 && fits && !known ? [execution, ...items] : items };
  });
}

function isKnown(pages: readonly ListPage<ExecutionSummary>[], { id }: ExecutionSummary): boolean {
  return pages.some((page) => page.items.some((item) => item.id === id));
}

function applyPresence(queries: QueryClient, { agentId, presence, lastSeenAt }: AgentMessage): void {
  const list = queries.getQueryData<InfiniteData<ListPage<Agent>>>(agentKeys.agents);
  if (!list) return;
  const known = list.pages.flatMap((page) => page.items).find((agent) => agent.id === agentId);
  if (!known || (presence && !known.hostLabels)) {
    // A new agent: its name, pool and labels are not in the message, nor the token that it used.
    void queries.invalidateQueries({ queryKey: agentKeys.joinTokens });
    void queries.invalidateQueries({ queryKey: agentKeys.agents });
    void queries.invalidateQueries({ queryKey: agentKeys.pools });
    return;
  }
  const pages = list.pages.map((page) => ({
    ...page,
    items: page.items.map((agent) => (agent.id === agentId ? { ...agent, presence, lastSeenAt } : agent)),
  }));
  queries.setQueryData(agentKeys.agents, { ...list, pages });
}
