import type { ExecutionRetry } from "#protocol/api/executions.ts";
import { isId } from "#protocol/ids.ts";
import { REUSED_MAX_BYTES } from "#protocol/limits.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import type { RetrySource } from "../../execution/contract.ts";
import { renewPlan } from "../../execution/plan.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, coordinatorOf } from "../../objects.ts";
import { asApiError } from "./resolve.ts";
import { type Start, startExecution, startKey, type Triggered } from "./start.ts";

interface RetryRequest {
  executionId: string;
  body: ExecutionRetry;
  idempotencyKey: string | undefined;
  requestId: string;
}

/**
 * Starts a new execution with the version, parameters and target of one that
 * has ended; what that one did well is not done again, as far as the mode says.
 * @throws ApiError `not_found`, `invalid_state`, `invalid_parameters`, `payload_too_large`, `idempotency_conflict`
 */
export async function retryExecution(
  env: Env,
  caller: Caller,
  { executionId, body, idempotencyKey, requestId }: RetryRequest,
): Promise<Triggered> {
  const [key, start] = await Promise.all([
    startKey(caller.organization.id, idempotencyKey, { retry: executionId, body }),
    beginningOf(env, caller, executionId, body).catch(asApiError),
  ]);
  return startExecution(env, caller, key, start, requestId);
}

async function beginningOf(
  env: Env,
  caller: Caller,
  executionId: string,
  { mode, step }: ExecutionRetry,
): Promise<Start> {
  if (!isId("execution", executionId)) throw notFound("execution");
  const organizationId = caller.organization.id;
  const coordinator = coordinatorOf(env, organizationId, executionId);
  const source = await callObject(coordinator, (one) => one.retrySource({ mode, step }));
  if (!source) throw notFound("execution");
  const { plan, taken } = source;
  refuse(source, mode, step);
  const { runbooks, organization } = tenantDb(env.DB, organizationId);
  const [exists, settings] = await Promise.all([runbooks.exists(plan.runbookId), organization.get()]);
  if (!exists) {
    throw new ApiError("invalid_state", "The runbook of this execution was deleted; it can no longer run.");
  }
  return {
    plan: renewPlan(plan, { nonce: crypto.randomUUID(), now: Date.now() }),
    trigger: { type: "retry", executionId },
    limited: settings?.maxExecutions !== undefined,
    lineage: { executionId, mode, ...(step !== undefined && { step }) },
    ...(mode !== "all" && { taken }),
  };
}

/** @throws ApiError why it cannot be retried like this, and what can be done */
function refuse({ state, plan, taken }: RetrySource, mode: ExecutionRetry["mode"], step?: string): void {
  if (!isExecutionTerminal(state)) {
    throw new ApiError(
      "invalid_state",
      `This execution is ${state}; only one that has ended can be retried. Cancel it, or wait for its end.`,
    );
  }
  if (mode === "failed" && state === "succeeded") {
    throw new ApiError(
      "invalid_state",
      'This execution succeeded; nothing of it failed. Retry it with the mode "all", or from a step.',
    );
  }
  if (mode === "step" && !plan.blocks.some(({ id }) => id === step)) {
    const names = plan.blocks.map(({ id }) => id).join(", ");
    throw new ApiError(
      "invalid_parameters",
      `There is no block "${step}" at the top level; there are ${names.slice(0, 500)}.`,
    );
  }
  const bytes = new TextEncoder().encode(JSON.stringify(taken)).length;
  if (bytes > REUSED_MAX_BYTES) {
    throw new ApiError(
      "payload_too_large",
      `The steps that would not run again hand on ${Math.ceil(bytes / 1024)} KiB; at most ${REUSED_MAX_BYTES / 1024} KiB can be taken over. Retry from an earlier step, or all.`,
    );
  }
}
