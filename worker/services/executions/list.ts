import type { ExecutionSummary } from "#protocol/api/executions.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import type { ExecutionCursor, ExecutionFilter } from "../../db/repositories/executions.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { mapConcurrently } from "../../http/concurrency.ts";
import { pageOf } from "../../http/cursor.ts";
import { callObject, coordinatorOf } from "../../objects.ts";

/**
 * A page of executions, newest first. The index has each execution as it was
 * created and as it ended; what has not ended is asked of its coordinator, so
 * a page filtered by such a state may be shorter than its limit.
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
    isExecutionTerminal(row.state) ? Promise.resolve(row) : currentOf(env, organizationId, row),
  );
  const items = filter.state ? current.filter((row) => row.state === filter.state) : current;
  return { items, nextCursor: page.nextCursor };
}

async function currentOf(env: Env, organizationId: string, row: ExecutionSummary): Promise<ExecutionSummary> {
  const execution = await callObject(coordinatorOf(env, organizationId, row.id), (object) => object.read());
  if (!execution) return row;
  const { state, finishedAt, durationMs } = execution;
  return { ...row, state, finishedAt, durationMs };
}
