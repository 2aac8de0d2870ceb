import type { ExecutionState } from "#protocol/states.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { Ask } from "../../execution/contract.ts";
import type { Caller } from "../../identity/caller.ts";
import { verifiedStatement } from "../signing-keys/verify.ts";
import { askExecution, personOf } from "./ask.ts";

type Answer = Extract<Ask, { type: "answer" }>;
type Approval = Required<Pick<Answer, "planDigest">> & Pick<Answer, "note" | "values" | "signature">;

/**
 * Approves a plan, with a signature where one came.
 * @throws ApiError what `askExecution` throws, or `invalid_signature` for one that is not this person's over this plan
 */
export async function approveStep(
  env: Env,
  caller: Caller,
  { executionId, step }: { executionId: string; step: string },
  approval: Approval,
): Promise<{ id: string; state: ExecutionState }> {
  if (approval.signature !== undefined) {
    const organizationId = caller.organization.id;
    const { userId } = await verifiedStatement<"farhand.approval.v1">(
      tenantDb(env.DB, organizationId),
      approval.signature,
      {
        type: "farhand.approval.v1",
        ...{ organizationId, executionId, step, planDigest: approval.planDigest, decision: "approve" },
      },
    );
    if (userId !== caller.userId) {
      throw new ApiError("invalid_signature", "The signature is of somebody else's key; sign with your own.");
    }
  }
  const person = personOf(caller);
  return askExecution(env, caller, executionId, {
    type: "answer",
    step,
    answer: "approve",
    person,
    ...approval,
  });
}
