import type { ExecutionSummary } from "#protocol/api/executions.ts";
import { digestOf } from "#protocol/digest.ts";
import { deriveId, newId } from "#protocol/ids.ts";
import { planDigest } from "#protocol/plan.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { CreateExecution, CreateResult } from "../../execution/contract.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, coordinatorOf } from "../../objects.ts";

/** One request to start an execution. */
export interface StartKey {
  executionId: string;
  /** The same for the same request. */
  requestHash: string;
  /** True when an Idempotency-Key was sent: the execution may be there already. */
  mayExist: boolean;
}

/** What a new execution begins with. */
export type Start = Pick<CreateExecution, "plan" | "trigger" | "lineage" | "taken" | "limited">;

export interface Triggered {
  /** False when this key and body had started it before. */
  created: boolean;
  execution: ExecutionSummary;
}

/**
 * With an Idempotency-Key the id is derived from (organization, key), so a
 * repeat reaches the same coordinator, which alone decides whether it is one
 * (promise G9).
 */
export async function startKey(
  organizationId: string,
  idempotencyKey: string | undefined,
  request: unknown,
): Promise<StartKey> {
  const mayExist = idempotencyKey !== undefined;
  const [executionId, requestHash] = await Promise.all([
    mayExist ? deriveId("execution", organizationId, idempotencyKey) : newId("execution"),
    digestOf(request),
  ]);
  return { executionId, requestHash, mayExist };
}

/**
 * Creates the execution, or answers with the one that the same request had
 * started before, whatever keeps it from being started now.
 * @throws ApiError `start`, when that is one, or `idempotency_conflict`
 */
export async function startExecution(
  env: Env,
  caller: Caller,
  { executionId, requestHash, mayExist }: StartKey,
  start: Start | ApiError,
  requestId: string,
): Promise<Triggered> {
  const coordinator = coordinatorOf(env, caller.organization.id, executionId);
  if (start instanceof ApiError) {
    const repeat = mayExist ? await callObject(coordinator, (one) => one.repeat(requestHash)) : null;
    if (repeat) return answerOf(repeat);
    throw start;
  }
  const input: CreateExecution = {
    ...start,
    executionId,
    requestHash,
    planDigest: await planDigest(start.plan),
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
