import type { ExecutionCreate, ExecutionSummary } from "#protocol/api/executions.ts";
import { digestOf } from "#protocol/digest.ts";
import { deriveId, newId } from "#protocol/ids.ts";
import { type Plan, planDigest } from "#protocol/plan.ts";
import type { TriggerSource } from "../../db/repositories/runbooks.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import type { CreateResult } from "../../execution/contract.ts";
import { buildPlan } from "../../execution/plan.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, coordinatorOf } from "../../objects.ts";
import { surroundingsOf } from "./surroundings.ts";

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
  const coordinator = coordinatorOf(env, organizationId, executionId);
  const planned = await resolvePlan(env, organizationId, source, body);
  if (planned instanceof ApiError) {
    // What was started once is answered, whatever has become of its runbook since.
    const repeat =
      idempotencyKey === undefined ? null : await callObject(coordinator, (one) => one.repeat(requestHash));
    if (repeat) return answerOf(repeat);
    throw planned;
  }
  const input = {
    executionId,
    requestHash,
    plan: planned,
    planDigest: await planDigest(planned),
    trigger: { type: caller.actor.type },
    actor: caller.actor,
    requesterId: caller.userId,
    requestId,
  };
  return answerOf(await callObject(coordinator, (one) => one.create(input)));
}

function answerOf(result: CreateResult): Triggered {
  if (result.outcome === "conflict") {
    throw new ApiError(
      "idempotency_conflict",
      "This Idempotency-Key was used for another request before. Use a new key for a new request.",
    );
  }
  return { created: result.outcome === "created", execution: result.execution };
}

/** The plan, or why there can be none. */
async function resolvePlan(
  env: Env,
  organizationId: string,
  source: TriggerSource | null,
  body: ExecutionCreate,
): Promise<Plan | ApiError> {
  if (!source) return notFound("runbook");
  if (!source.version) return new ApiError("not_found", `This runbook has no version ${body.version}.`);
  const { version } = source;
  const surroundings = await surroundingsOf(env, organizationId, version).catch(asApiError);
  if (surroundings instanceof ApiError) return surroundings;
  const result = buildPlan({
    organizationId,
    version,
    surroundings,
    range: body.range,
    labels: body.labels,
    parameters: body.parameters,
    poolName: source.poolName,
    pool: source.pool,
    nonce: crypto.randomUUID(),
    now: Date.now(),
  });
  return result.ok ? result.plan : new ApiError(result.code, result.detail, { issues: result.issues });
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}
