import { and, type Column, eq, type SQL } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";

/**
 * What a repository queries with: a database and the one organization whose
 * rows it may touch. Every `where` goes through `within`, so a repository
 * cannot ask for rows without naming the organization.
 */
export interface TenantScope {
  readonly db: DrizzleD1Database;
  readonly organizationId: string;
  /** The table's rows of this organization that meet every condition. */
  within(table: { organizationId: Column }, ...conditions: (SQL | undefined)[]): SQL;
}

export function tenantScope(d1: D1Database, organizationId: string): TenantScope {
  return {
    db: drizzle(d1),
    organizationId,
    within(table, ...conditions) {
      const mine = eq(table.organizationId, organizationId);
      return and(mine, ...conditions) ?? mine;
    },
  };
}
