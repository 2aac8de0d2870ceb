/** What is signed in the browser: only what it has worked out itself from what it shows. */
import type { Execution } from "#protocol/api/executions.ts";
import type { Version } from "#protocol/api/runbooks.ts";
import { digestOf } from "#protocol/digest.ts";
import { planDigest } from "#protocol/plan.ts";
import { type Signer, signStatement } from "#protocol/signatures/jws.ts";

/** @throws Error in words when the version is not what its hash says */
export async function signedVersion(
  organizationId: string,
  { runbookId, number, document, contentHash }: Version,
  signer: Signer,
): Promise<string> {
  const versionHash = await digestOf(document);
  if (versionHash !== contentHash) throw new Error("The version is not what its hash says. Do not trust it.");
  const statement = { organizationId, runbookId, versionNumber: number, versionHash, signedAt: Date.now() };
  return signStatement({ type: "farhand.version.v1", ...statement }, signer);
}

/** @throws Error in words when the plan is not what its digest says */
export async function signedApproval(
  { id, plan, planDigest: said }: Execution,
  step: string,
  signer: Signer,
) {
  const digest = await planDigest(plan);
  if (digest !== said) throw new Error("The plan is not what its digest says. Do not approve it.");
  return signStatement(
    {
      type: "farhand.approval.v1",
      ...{ organizationId: plan.organizationId, executionId: id, step, planDigest: digest },
      ...{ decision: "approve", signedAt: Date.now(), expiresAt: plan.expiresAt },
    },
    signer,
  );
}
