/** Resolving what one execution will do, before anything runs. Pure. */
import type { Version } from "#protocol/api/runbooks.ts";
import { canonicalJson } from "#protocol/digest.ts";
import type { ErrorCode, ProblemIssue } from "#protocol/errors.ts";
import { PLAN_MAX_BYTES, STEP_TIMEOUT_DEFAULT_MS } from "#protocol/limits.ts";
import type { Plan } from "#protocol/plan.ts";
import { checkParameters } from "#protocol/runbook/parameters.ts";

/** How long an execution may wait before its first step, on top of what its steps may take. */
const PLAN_WAIT_MS = 24 * 60 * 60 * 1000;

export interface PlanInput {
  organizationId: string;
  version: Version;
  /** Answers as the caller gave them. */
  parameters: Readonly<Record<string, unknown>>;
  /** The pool as it was asked for, and what that name led to. */
  poolName: string;
  pool: { id: string; name: string } | null;
  nonce: string;
  /** ms since the epoch */
  now: number;
}

export type PlanResult =
  | { ok: true; plan: Plan }
  | { ok: false; code: ErrorCode; detail: string; issues?: ProblemIssue[] };

/** A plan, or in words why there is none. */
export function buildPlan({
  organizationId,
  version,
  parameters,
  poolName,
  pool,
  nonce,
  now,
}: PlanInput): PlanResult {
  const { document } = version;
  const checked = checkParameters(document.parameters, parameters);
  if (!checked.ok) {
    return {
      ok: false,
      code: "invalid_parameters",
      detail: `The parameters do not fit this runbook: ${checked.problems.map((each) => each.message).join("; ")}.`,
      issues: checked.problems.map(({ name, message }) => ({
        path: `/parameters/${pointerPart(name)}`,
        message,
      })),
    };
  }
  if (!pool) {
    return {
      ok: false,
      code: "no_such_pool",
      detail: `There is no pool named "${poolName}". Create it, or run this in another pool.`,
    };
  }
  const plan: Plan = {
    schema: 1,
    organizationId,
    runbookId: version.runbookId,
    versionId: version.id,
    versionNumber: version.number,
    versionHash: version.contentHash,
    title: document.title,
    parameters: checked.values,
    target: { poolId: pool.id, poolName: pool.name, labels: document.target.labels ?? {} },
    blocks: document.blocks,
    nonce,
    expiresAt: now + PLAN_WAIT_MS + longestRunMs(document.blocks),
  };
  const bytes = new TextEncoder().encode(canonicalJson(plan)).length;
  if (bytes > PLAN_MAX_BYTES) {
    return {
      ok: false,
      code: "payload_too_large",
      detail: `The plan has ${Math.ceil(bytes / 1024)} KiB, at most ${PLAN_MAX_BYTES / 1024} KiB are possible. Pass large data as a file, or split the runbook.`,
    };
  }
  return { ok: true, plan };
}

/** All steps one after the other, each up to its limit, ms. */
function longestRunMs(blocks: Plan["blocks"]): number {
  let total = 0;
  for (const block of blocks) {
    if (block.kind === "command") total += block.timeoutMs ?? STEP_TIMEOUT_DEFAULT_MS;
  }
  return total;
}

/** A name as part of an RFC 6901 pointer. */
function pointerPart(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
