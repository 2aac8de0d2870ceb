/** Whether people approved a plan with their own keys. Pure. */
import { blockAt, listOf, pathsOfList, placeOf, ROOT } from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";
import type { ApprovalStatement } from "#protocol/signatures/statements.ts";
import { digestOfPlan } from "../planDigest.ts";
import { type PinnedKeys, verifySignature } from "./pinned.ts";
import { invalid, type Refusal, required } from "./refusal.ts";

export interface ApprovalQuestion {
  plan: Plan;
  executionId: string;
  /** The step that is to start. */
  step: string;
  approvals: readonly string[];
  /** Who signed the version, where that is asked too: then an approver has to be somebody else. */
  authors: ReadonlySet<string> | undefined;
  now: number;
}

/**
 * Every approval that stands before the step, in its own list or in one around
 * it, has to be signed by as many people as it asks for; where none stands
 * before it, any approval of the plan.
 */
export function approvalProblem(question: ApprovalQuestion, keys: PinnedKeys): Refusal | undefined {
  const { plan, step, approvals } = question;
  const people = new Map<string, Set<string>>();
  const problems: string[] = [];
  for (const text of approvals) {
    const verified = verifySignature(keys, text, "approver");
    const words = verified.ok ? statementProblem(verified, question) : verified.problem;
    if (verified.ok && words === undefined && verified.statement.type === "farhand.approval.v1") {
      const names = people.get(verified.statement.step) ?? new Set();
      people.set(verified.statement.step, names.add(verified.name));
    } else problems.push(`a signature ${words}`);
  }
  const isGiven = (path: string) => (people.get(path)?.size ?? 0) >= requiredAt(plan, path);
  const before = [...approvalsBefore(plan, step)];
  const missing = before.find((path) => !isGiven(path));
  if (missing === undefined && (before.length > 0 || [...people.keys()].some(isGiven))) return undefined;
  if (problems.length > 0) return invalid(`the plan is not approved: ${problems.join("; ")}`);
  if (missing !== undefined) {
    const have = people.get(missing)?.size ?? 0;
    return required(
      `the approval "${missing}" has ${have} of ${requiredAt(plan, missing)} signatures by keys of approvers that this host knows; whoever approves signs as well`,
    );
  }
  return required(
    "this host runs only what an approver has signed; put an approval before the first block that an agent carries out",
  );
}

type Verified = Extract<ReturnType<typeof verifySignature>, { ok: true }>;

function statementProblem({ statement, name }: Verified, question: ApprovalQuestion): string | undefined {
  if (statement.type !== "farhand.approval.v1") return `is over something else (${statement.type})`;
  const { plan, executionId, authors, now } = question;
  if (statement.organizationId !== plan.organizationId) return "is for another organization";
  if (statement.executionId !== executionId) return `is for another execution (${statement.executionId})`;
  if (statement.planDigest !== digestOfPlan(plan)) return "is for another plan";
  if (blockAt(plan, statement.step)?.kind !== "approval") return "is for no approval of this plan";
  if (statement.expiresAt <= now) return expired(statement);
  if (authors && ![...authors].some((author) => author !== name)) {
    return `is of "${name}", who is the author; somebody else has to approve`;
  }
  return undefined;
}

function expired({ expiresAt }: ApprovalStatement): string {
  return `expired at ${new Date(expiresAt).toISOString()} by this host's clock`;
}

function requiredAt(plan: Plan, path: string): number {
  const block = blockAt(plan, path);
  return (block?.kind === "approval" && block.required) || 1;
}

/** Approvals that a step can only come after, without those that a condition of their own may pass over. */
function* approvalsBefore(plan: Plan, step: string): Generator<string> {
  for (let place = placeOf(plan, step); place; ) {
    if (place.undoes) {
      // What undoes a block comes after all that the block came after.
      place = placeOf(plan, [place.undoes.id, ...place.numbers].join("~"));
      continue;
    }
    const { step: around, list } = listOf(place);
    const siblings = pathsOfList(plan, around, list);
    for (const path of siblings.slice(0, Math.max(0, siblings.indexOf(place.path)))) {
      const block = blockAt(plan, path);
      if (block?.kind === "approval" && block.when === undefined) yield path;
    }
    place = around === ROOT ? undefined : placeOf(plan, around);
  }
}
