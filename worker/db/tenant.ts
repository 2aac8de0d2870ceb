import { agentsRepository } from "./repositories/agents.ts";
import { apiKeysRepository } from "./repositories/api-keys.ts";
import { executionsRepository } from "./repositories/executions.ts";
import { joinTokensRepository } from "./repositories/join-tokens.ts";
import { organizationRepository } from "./repositories/organization.ts";
import { poolsRepository } from "./repositories/pools.ts";
import { runbooksRepository } from "./repositories/runbooks.ts";
import { signaturesRepository } from "./repositories/signatures.ts";
import { webhookDeliveriesRepository } from "./repositories/webhook-deliveries.ts";
import { webhooksRepository } from "./repositories/webhooks.ts";
import { tenantScope } from "./scope.ts";

/**
 * One organization's data. This is the only way to its tables: each repository
 * is bound to the organization, so no caller can forget to name it. It is also
 * the seam at which organizations can later live in different databases.
 */
export function tenantDb(d1: D1Database, organizationId: string) {
  const scope = tenantScope(d1, organizationId);
  return {
    agents: agentsRepository(scope),
    apiKeys: apiKeysRepository(scope),
    executions: executionsRepository(scope),
    joinTokens: joinTokensRepository(scope),
    organization: organizationRepository(scope),
    pools: poolsRepository(scope),
    runbooks: runbooksRepository(scope),
    signatures: signaturesRepository(scope),
    webhookDeliveries: webhookDeliveriesRepository(scope),
    webhooks: webhooksRepository(scope),
  };
}

export type TenantDb = ReturnType<typeof tenantDb>;
