/** Whether a plan follows from a version that its author signed. Pure. */
import { createHash } from "node:crypto";
import { canonicalJson } from "#protocol/digest.ts";
import type { Plan } from "#protocol/plan.ts";
import { checkParameters } from "#protocol/runbook/parameters.ts";
import { documentOf } from "#protocol/signatures/version.ts";
import { type PinnedKeys, verifySignature } from "./pinned.ts";
import { invalid, type Refusal, required } from "./refusal.ts";

/** The names of those who signed the version that this plan is of, or why it is not run. */
export function authorsOf(plan: Plan, keys: PinnedKeys, now: number): ReadonlySet<string> | Refusal {
  const version = `version ${plan.versionNumber} of "${plan.title}"`;
  const { signed } = plan;
  if (!signed) {
    return required(
      `${version} has no signature of its author; sign it with "farhand sign" or in the web app, then start it anew`,
    );
  }
  const problem = contentProblem(plan);
  if (problem) return invalid(`${version} is not what was signed: ${problem}`);
  const names = new Set<string>();
  const problems: string[] = [];
  for (const text of signed.signatures) {
    const verified = verifySignature(keys, text, "author");
    const words = verified.ok ? statementProblem(verified.statement, plan, now) : verified.problem;
    if (verified.ok && words === undefined) names.add(verified.name);
    else problems.push(`a signature ${words}`);
  }
  return names.size > 0 ? names : invalid(`${version} is not signed by an author: ${problems.join("; ")}`);
}

/** What of a plan's own content does not follow from the signed document. */
function contentProblem(plan: Plan): string | undefined {
  if (documentHash(plan) !== plan.versionHash) return "its blocks or settings have another hash";
  const checked = checkParameters(plan.signed?.parameters ?? [], plan.parameters);
  if (!checked.ok) return checked.problems.map(({ message }) => message).join("; ");
  const same = canonicalJson(checked.values) === canonicalJson(plan.parameters);
  return same ? undefined : "its parameters are not those that the version defines";
}

type Verified = Extract<ReturnType<typeof verifySignature>, { ok: true }>;

function statementProblem(statement: Verified["statement"], plan: Plan, now: number): string | undefined {
  if (statement.type !== "farhand.version.v1") return `is over something else (${statement.type})`;
  if (statement.organizationId !== plan.organizationId) return "is for another organization";
  if (statement.runbookId !== plan.runbookId) return "is for another runbook";
  if (statement.versionNumber !== plan.versionNumber) return `is for version ${statement.versionNumber}`;
  if (statement.versionHash !== plan.versionHash) return "is for another content";
  const { expiresAt } = statement;
  if (expiresAt === undefined || expiresAt > now) return undefined;
  return `expired at ${new Date(expiresAt).toISOString()} by this host's clock`;
}

const hashes = new WeakMap<Plan, string>();

/** Worked out once for a plan: it may have a mebibyte, and each of its steps asks. */
function documentHash(plan: Plan): string {
  const known = hashes.get(plan);
  if (known !== undefined) return known;
  const hash = createHash("sha256")
    .update(canonicalJson(documentOf(plan)))
    .digest("hex");
  hashes.set(plan, hash);
  return hash;
}
