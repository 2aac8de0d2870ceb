import { isExecutionTerminal } from "#protocol/states.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import type { CoordinatorApi } from "../../execution/contract.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, type StubOf } from "../../objects.ts";

/**
 * Hides an execution that has ended; its row and its log stay, with who hid it
 * and when. First in the index, then at its coordinator: cut short in between,
 * asking again finishes it.
 * @throws ApiError `not_found`, `invalid_state`
 */
export async function removeExecution(
  env: Env,
  caller: Caller,
  coordinator: StubOf<CoordinatorApi>,
): Promise<void> {
  const found = await callObject(coordinator, (one) => one.summary());
  if (!found) throw notFound("execution");
  const { execution, agentIds } = found;
  if (!isExecutionTerminal(execution.state)) {
    throw new ApiError(
      "invalid_state",
      `This execution is ${execution.state}; only one that has ended can be deleted. Cancel it first.`,
    );
  }
  const now = new Date();
  await tenantDb(env.DB, caller.organization.id).executions.remove(
    execution,
    { agentIds },
    caller.actor,
    now,
  );
  await callObject(coordinator, (one) => one.remove({ by: caller.actor, at: now.getTime() }));
}
