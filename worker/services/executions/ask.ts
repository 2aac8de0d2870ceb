import { isId } from "#protocol/ids.ts";
import type { ExecutionState } from "#protocol/states.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import type { Ask } from "../../execution/contract.ts";
import type { Person } from "../../execution/engine/inputs.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, coordinatorOf } from "../../objects.ts";

/**
 * Asks something of a running execution: to cancel, pause or go on, or to take
 * a person's answer. The answer says the state it is in now.
 * @throws ApiError `not_found`; or what the coordinator refuses with, such as `invalid_state`, with what is possible
 */
export async function askExecution(
  env: Env,
  caller: Caller,
  executionId: string,
  ask: Ask,
): Promise<{ id: string; state: ExecutionState }> {
  if (!isId("execution", executionId)) throw notFound("execution");
  const coordinator = coordinatorOf(env, caller.organization.id, executionId);
  const result = await callObject(coordinator, (object) => object.ask(ask));
  switch (result.outcome) {
    case "accepted":
      return { id: executionId, state: result.state };
    case "refused":
      throw new ApiError(result.refusal.code, result.refusal.detail);
    case "not_found":
      throw notFound("execution");
    default:
      return result satisfies never;
  }
}

/** The caller as approvals look at him. */
export function personOf({ actor, userId, email, role }: Caller): Person {
  const names = [userId, ...(email === undefined ? [] : [email.toLowerCase()])];
  return { actor, names, roles: role === undefined ? [] : [role] };
}
