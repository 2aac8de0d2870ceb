import { executionsRepository } from "./repositories/executions.ts";
import { tenantScope } from "./scope.ts";

/**
 * One organization's data. This is the only way to its tables: each repository
 * is bound to the organization, so no caller can forget to name it. It is also
 * the seam at which organizations can later live in different databases.
 */
export function tenantDb(d1: D1Database, organizationId: string) {
  const scope = tenantScope(d1, organizationId);
  return { executions: executionsRepository(scope) };
}

export type TenantDb = ReturnType<typeof tenantDb>;
