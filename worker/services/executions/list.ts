import type { ExecutionSummary } from "#protocol/api/executions.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import type { ExecutionCursor, ExecutionFilter } from "../../db/repositories/executions.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import type { ListEntry } from "../../execution/contract.ts";
import { mapConcurrently } from "../../http/concurrency.ts";
import { pageOf } from "../../http/cursor.ts";
import { log } from "../../log.ts";
import { callObject, coordinatorOf } from "../../objects.ts";

/**
 * A page of executions, newest first. The index has each execution as it was
 * created and as it ended; what has not ended is asked of its coordinator, so
 * a page filtered by such a state, or by agent, may be shorter than its limit.
 */
export async function listExecutions(
  env: Env,
  organizationId: string,
  filter: ExecutionFilter,
  after: ExecutionCursor | undefined,
  limit: number,
): Promise<{ items: ExecutionSummary[]; nextCursor: string | undefined }> {
  const rows = await tenantDb(env.DB, organizationId).executions.list(filter, after, limit + 1);
  const page = pageOf(rows, limit, (last) => ({ createdAt: Date.parse(last.createdAt), id: last.id }));
  const current = await mapConcurrently(page.items, (row) =>
    isExecutionTerminal(row.state)
      ? Promise.resolve(row)
      : currentOf(env, organizationId, row, filter.agentId),
  );
  const items = current.filter((row) => row !== undefined);
  const { states } = filter;
  return {
    items: states ? items.filter(({ state }) => states.includes(state)) : items,
    nextCursor: page.nextCursor,
  };
}

/** The row as it is now; undefined when it does not meet what only the coordinator knows. */
async function currentOf(
  env: Env,
  organizationId: string,
  row: ExecutionSummary,
  agentId: string | undefined,
): Promise<ExecutionSummary | undefined> {
  const found = await summaryOf(env, organizationId, row.id);
  if (!found) return agentId === undefined ? row : undefined;
  if (agentId !== undefined && !found.agentIds.includes(agentId)) return undefined;
  const { state, finishedAt, durationMs } = found.execution;
  return { ...row, state, finishedAt, durationMs };
}

/** Null also where it cannot be said: one that does not answer takes nothing from the others. */
async function summaryOf(env: Env, organizationId: string, executionId: string): Promise<ListEntry | null> {
  try {
    return await callObject(coordinatorOf(env, organizationId, executionId), (object) => object.summary());
  } catch (error) {
    log("error", "an execution did not answer; lists show what the index has", {
      organizationId,
      executionId,
      error,
    });
    return null;
  }
}
