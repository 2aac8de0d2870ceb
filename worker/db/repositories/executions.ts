/** The index of executions. */
import { and, desc, eq, lt, notInArray, or, type SQL, sql } from "drizzle-orm";
import type { ExecutionSummary } from "#protocol/api/executions.ts";
import { type ExecutionState, isExecutionTerminal, TERMINAL_EXECUTION_STATES } from "#protocol/states.ts";
import { executions } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

/** Where a page begins: after this row, newest first. */
export interface ExecutionCursor {
  createdAt: number;
  id: string;
}

export interface ExecutionFilter {
  runbookId?: string | undefined;
  /** A state that has not ended matches every row that has not: only its coordinator knows more. */
  state?: ExecutionState | undefined;
}

/** How far along a state is: a projection only ever moves a row forward. */
const rank = (state: SQL) =>
  sql`CASE ${state} WHEN 'queued' THEN 0 WHEN 'running' THEN 1 WHEN 'waiting' THEN 1 WHEN 'paused' THEN 1 ELSE 2 END`;

export function executionsRepository({ db, organizationId, within }: TenantScope) {
  return {
    /**
     * Writes an execution's row, in one statement. Safe to repeat and to
     * reorder: a row that has ended never changes, and an older state never
     * replaces a newer one.
     */
    async project(summary: ExecutionSummary): Promise<void> {
      await db
        .insert(executions)
        .values({ ...toRow(summary), organizationId })
        .onConflictDoUpdate({
          target: [executions.organizationId, executions.id],
          set: {
            state: sql`excluded.state`,
            finishedAt: sql`excluded.finished_at`,
            durationMs: sql`excluded.duration_ms`,
          },
          setWhere: sql`${rank(sql`excluded.state`)} > ${rank(sql`${executions.state}`)}`,
        });
    },

    /** Newest first; at most `limit` rows after the cursor. */
    async list(
      filter: ExecutionFilter,
      after: ExecutionCursor | undefined,
      limit: number,
    ): Promise<ExecutionSummary[]> {
      const rows = await db
        .select()
        .from(executions)
        .where(
          within(
            executions,
            filter.runbookId ? eq(executions.runbookId, filter.runbookId) : undefined,
            filter.state ? matchesState(filter.state) : undefined,
            after ? isAfter(after) : undefined,
          ),
        )
        .orderBy(desc(executions.createdAt), desc(executions.id))
        .limit(limit);
      return rows.map(toSummary);
    },
  };
}

function matchesState(state: ExecutionState): SQL {
  return isExecutionTerminal(state)
    ? eq(executions.state, state)
    : notInArray(executions.state, [...TERMINAL_EXECUTION_STATES]);
}

function isAfter({ createdAt, id }: ExecutionCursor): SQL | undefined {
  const time = new Date(createdAt);
  return or(lt(executions.createdAt, time), and(eq(executions.createdAt, time), lt(executions.id, id)));
}

function toRow({ createdAt, finishedAt, ...rest }: ExecutionSummary) {
  return {
    id: rest.id,
    runbookId: rest.runbookId,
    versionNumber: rest.versionNumber,
    title: rest.title,
    state: rest.state,
    trigger: rest.trigger,
    actor: rest.actor,
    durationMs: rest.durationMs,
    createdAt: new Date(createdAt),
    finishedAt: finishedAt ? new Date(finishedAt) : undefined,
  };
}

function toSummary(row: typeof executions.$inferSelect): ExecutionSummary {
  return {
    id: row.id,
    runbookId: row.runbookId,
    versionNumber: row.versionNumber,
    title: row.title,
    state: row.state,
    trigger: row.trigger,
    actor: row.actor,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString(),
    durationMs: row.durationMs ?? undefined,
  };
}
