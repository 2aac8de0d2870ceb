/** What the control plane reads for itself, across organizations. Nothing of it ever reaches a caller. */
import { and, asc, eq, gt, isNotNull, lt, notInArray, or, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { TERMINAL_EXECUTION_STATES } from "#protocol/states.ts";
import { executions, organization, sweeps } from "./schema.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export interface ExecutionName {
  organizationId: string;
  id: string;
}

export function systemDb(d1: D1Database) {
  const db = drizzle(d1);
  return {
    /** Executions that have not ended as far as the index knows, created before a time; at most `limit` after `after`. */
    async openExecutions(
      createdBefore: Date,
      after: ExecutionName | undefined,
      limit: number,
    ): Promise<ExecutionName[]> {
      const isAfter =
        after &&
        or(
          gt(executions.organizationId, after.organizationId),
          and(eq(executions.organizationId, after.organizationId), gt(executions.id, after.id)),
        );
      return db
        .select({ organizationId: executions.organizationId, id: executions.id })
        .from(executions)
        .where(
          and(
            notInArray(executions.state, [...TERMINAL_EXECUTION_STATES]),
            lt(executions.createdAt, createdBefore),
            isAfter,
          ),
        )
        .orderBy(asc(executions.organizationId), asc(executions.id))
        .limit(limit);
    },

    /** The last execution that the sweep before came to; undefined when it came to the end. */
    async sweptTo(): Promise<ExecutionName | undefined> {
      const [row] = await db.select({ organizationId: sweeps.organizationId, id: sweeps.id }).from(sweeps);
      return row;
    },

    async noteSweptTo(last: ExecutionName | undefined): Promise<void> {
      if (!last) await db.delete(sweeps);
      else {
        const row = { only: 1, ...last };
        await db.insert(sweeps).values(row).onConflictDoUpdate({ target: sweeps.only, set: last });
      }
    },

    /** Executions that ended longer ago than their organization keeps them; at most `limit`, in no order. */
    async expiredExecutions(now: Date, limit: number): Promise<(ExecutionName & { endedBefore: Date })[]> {
      const keepMs = sql<number>`${organization.retentionDays} * ${DAY_MS}`;
      const rows = await db
        .select({ organizationId: executions.organizationId, id: executions.id, keepMs })
        .from(organization)
        .innerJoin(executions, eq(executions.organizationId, organization.id))
        .where(
          and(
            isNotNull(organization.retentionDays),
            sql`${executions.finishedAt} < ${now.getTime()} - ${keepMs}`,
          ),
        )
        .limit(limit);
      return rows.map(({ keepMs, ...name }) => ({ ...name, endedBefore: new Date(now.getTime() - keepMs) }));
    },
  };
}
