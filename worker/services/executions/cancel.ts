import { isId } from "#protocol/ids.ts";
import type { ExecutionState } from "#protocol/states.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, coordinatorOf } from "../../objects.ts";

/**
 * Asks an execution to stop; the answer says the state it is in now.
 * @throws ApiError `not_found`, or `invalid_state` when it has ended
 */
export async function cancelExecution(
  env: Env,
  caller: Caller,
  executionId: string,
  reason: string,
): Promise<ExecutionState> {
  if (!isId("execution", executionId)) throw notFound("execution");
  const coordinator = coordinatorOf(env, caller.organization.id, executionId);
  const result = await callObject(coordinator, (object) => object.cancel(caller.actor, reason));
  switch (result.outcome) {
    case "accepted":
      return result.state;
    case "already_ended":
      throw new ApiError(
        "invalid_state",
        `This execution has ended: it ${ENDED[result.state] ?? "is over"}.`,
      );
    case "not_found":
      throw notFound("execution");
    default:
      return result satisfies never;
  }
}

const ENDED: Partial<Record<ExecutionState, string>> = {
  succeeded: "succeeded",
  failed: "failed",
  canceled: "was canceled",
  timed_out: "timed out",
};
