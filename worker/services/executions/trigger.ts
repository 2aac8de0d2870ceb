import type { ExecutionCreate, ExecutionSummary } from "#protocol/api/executions.ts";
import { digestOf } from "#protocol/digest.ts";
import { deriveId, newId } from "#protocol/ids.ts";
import { type Plan, planDigest } from "#protocol/plan.ts";
import type { TriggerSource } from "../../db/repositories/runbooks.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import { buildPlan } from "../../execution/plan.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, coordinatorOf } from "../../objects.ts";

export interface TriggerRequest {
  runbookId: string;
  body: ExecutionCreate;
  idempotencyKey: string | undefined;
  requestId: string;
  /** Waits for the rate limiter, which was asked beside the reading. */
  admitted: () => Promise<void>;
}

export interface Triggered {
  /** False when this key and body had started it before. */
  created: boolean;
  execution: ExecutionSummary;
}

/**
 * Starts an execution. With an Idempotency-Key its id is derived from
 * (organization, key), so a repeat reaches the same coordinator, which alone
 * decides whether it is one (promise G9). One D1 statement.
 * @throws ApiError `not_found`, `invalid_parameters`, `no_such_pool`, `payload_too_large`, `idempotency_conflict`
 */
export async function triggerExecution(
  env: Env,
  caller: Caller,
  { runbookId, body, idempotencyKey, requestId, admitted }: TriggerRequest,
): Promise<Triggered> {
  const organizationId = caller.organization.id;
  const reading = tenantDb(env.DB, organizationId).runbooks.forTrigger(runbookId, body.version, body.pool);
  const [source, executionId, requestHash] = await Promise.all([
    reading,
    idempotencyKey === undefined ? newId("execution") : deriveId("execution", organizationId, idempotencyKey),
    digestOf({ runbookId, body }),
    admitted(),
  ]);
  const plan = resolvePlan(organizationId, source, body);
  const input = {
    executionId,
    requestHash,
    plan,
    planDigest: await planDigest(plan),
    trigger: { type: caller.actor.type },
    actor: caller.actor,
    requestId,
  };
  const result = await callObject(coordinatorOf(env, organizationId, executionId), (coordinator) =>
    coordinator.create(input),
  );
  if (result.outcome === "conflict") {
    throw new ApiError(
      "idempotency_conflict",
      "This Idempotency-Key was used for another request before. Use a new key for a new request.",
    );
  }
  return { created: result.outcome === "created", execution: result.execution };
}

function resolvePlan(organizationId: string, source: TriggerSource | null, body: ExecutionCreate): Plan {
  if (!source) throw notFound("runbook");
  if (!source.version) throw new ApiError("not_found", `This runbook has no version ${body.version}.`);
  const result = buildPlan({
    organizationId,
    version: source.version,
    parameters: body.parameters,
    poolName: source.poolName,
    pool: source.pool,
    nonce: crypto.randomUUID(),
    now: Date.now(),
  });
  if (!result.ok) throw new ApiError(result.code, result.detail, { issues: result.issues });
  return result.plan;
}
