/** What the control plane reads for itself, across organizations. Nothing of it ever reaches a caller. */
import { and, asc, eq, gt, lt, notInArray, or } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { TERMINAL_EXECUTION_STATES } from "#protocol/states.ts";
import { executions } from "./schema.ts";

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
  };
}
