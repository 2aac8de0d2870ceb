import type { ExecutionCreate } from "#protocol/api/executions.ts";
import type { Plan } from "#protocol/plan.ts";
import type { TriggerSource } from "../../db/repositories/runbooks.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import { buildPlan } from "../../execution/plan.ts";
import { surroundingsOf } from "./surroundings.ts";

/** The plan of what was asked for, or why there can be none. `now` in ms since the epoch. */
export async function resolvePlan(
  env: Env,
  organizationId: string,
  source: TriggerSource | null,
  body: ExecutionCreate,
  stamp: { nonce: string; now: number },
): Promise<Plan | ApiError> {
  if (!source) return notFound("runbook");
  if (!source.version) return new ApiError("not_found", `This runbook has no version ${body.version}.`);
  const { version, signatures } = source;
  const surroundings = await surroundingsOf(env, organizationId, version).catch(asApiError);
  if (surroundings instanceof ApiError) return surroundings;
  const result = buildPlan({
    organizationId,
    version,
    signatures,
    surroundings,
    range: body.range,
    labels: body.labels,
    parameters: body.parameters,
    poolName: source.poolName,
    pool: source.pool,
    ...stamp,
  });
  return result.ok ? result.plan : new ApiError(result.code, result.detail, { issues: result.issues });
}

/** A failure that the caller is told about, as a value. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}
