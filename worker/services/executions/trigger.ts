import type { ExecutionCreate } from "#protocol/api/executions.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { resolvePlan } from "./resolve.ts";
import { startExecution, startKey, type Triggered } from "./start.ts";

export interface TriggerRequest {
  runbookId: string;
  body: ExecutionCreate;
  idempotencyKey: string | undefined;
  requestId: string;
  /** Waits for the rate limiter, which was asked beside the reading. */
  admitted: () => Promise<void>;
}

/**
 * Starts an execution. One D1 statement, unless the runbook speaks of pools or of other runbooks.
 * @throws ApiError `not_found`, `invalid_parameters`, `no_such_pool`, `payload_too_large`, `idempotency_conflict`
 */
export async function triggerExecution(
  env: Env,
  caller: Caller,
  { runbookId, body, idempotencyKey, requestId, admitted }: TriggerRequest,
): Promise<Triggered> {
  const organizationId = caller.organization.id;
  const [source, key] = await Promise.all([
    tenantDb(env.DB, organizationId).runbooks.forTrigger(runbookId, body.version, body.pool),
    startKey(organizationId, idempotencyKey, { runbookId, body }),
    admitted(),
  ]);
  const stamp = { nonce: crypto.randomUUID(), now: Date.now() };
  const plan = await resolvePlan(env, organizationId, source, body, stamp);
  const limited = source?.limited ?? false;
  const start = plan instanceof ApiError ? plan : { plan, trigger: { type: caller.actor.type }, limited };
  return startExecution(env, caller, key, start, requestId);
}
