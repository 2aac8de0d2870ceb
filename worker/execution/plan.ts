/** Resolving what one execution will do, before anything runs. Pure. */
import type { Version } from "#protocol/api/runbooks.ts";
import { asksForApproval } from "#protocol/approvals.ts";
import { walkBlocks } from "#protocol/blocks/index.ts";
import { canonicalJson } from "#protocol/digest.ts";
import type { ErrorCode, ProblemIssue } from "#protocol/errors.ts";
import { PLAN_MAX_BYTES, STEP_TIMEOUT_DEFAULT_MS, WAIT_MAX_MS } from "#protocol/limits.ts";
import type { ChildProcedure, Plan } from "#protocol/plan.ts";
import type { RunbookDocument } from "#protocol/runbook/document.ts";
import { checkParameters } from "#protocol/runbook/parameters.ts";
import { entryOf } from "./engine/state.ts";
import { selfWait } from "./selfWait.ts";

/** How long an execution may wait before its first step, on top of what its steps may take. */
const PLAN_WAIT_MS = 24 * 60 * 60 * 1000;

/** How many executions may stand above one that a `runbook` block starts. */
export const CHILD_DEPTH_MAX = 5;

/** What a document speaks of that is kept elsewhere. */
export interface Needs {
  /** Names of pools. */
  pools: string[];
  runbooks: { block: string; runbook: string; version?: number }[];
}

export function needsOf(document: RunbookDocument): Needs {
  const pools = new Set<string>();
  const runbooks: Needs["runbooks"] = [];
  for (const { block } of walkBlocks([...document.blocks, ...(document.finally ?? [])])) {
    if ("target" in block && block.target?.pool !== undefined) pools.add(block.target.pool);
    if (block.kind === "runbook") {
      runbooks.push({ block: block.id, runbook: block.runbook, version: block.version });
    }
  }
  return { pools: [...pools], runbooks };
}

/** A version that a plan needs, with what its own blocks need. */
export interface Resolved {
  version: Version;
  /** The pool it runs in. */
  pool: { id: string; name: string };
  /** By name of a `runbook` block: the version that it starts. */
  children: Record<string, string>;
  /** Its authors' signatures. */
  signatures: string[];
}

/** Everything that plans of a version need from storage. */
export interface Surroundings {
  /** Ids of pools by name. */
  pools: Record<string, string>;
  /** By version id, this version's own runbooks and theirs. */
  runbooks: Record<string, Resolved>;
  children: Record<string, string>;
}

export const NO_SURROUNDINGS: Surroundings = { pools: {}, runbooks: {}, children: {} };

export interface PlanInput {
  organizationId: string;
  version: Version;
  /** The authors' signatures of the version. */
  signatures: string[];
  /** Answers as the caller gave them. */
  parameters: Readonly<Record<string, unknown>>;
  /** The pool as it was asked for, and what that name led to. */
  poolName: string;
  pool: { id: string; name: string } | null;
  surroundings: Surroundings;
  /** Where to begin and to stop, by name of a block at the top level. */
  range?: { from?: string; to?: string };
  /** Labels instead of those of the runbook. */
  labels?: Record<string, string>;
  nonce: string;
  /** ms since the epoch */
  now: number;
}

export interface PlanProblem {
  ok: false;
  code: ErrorCode;
  detail: string;
  issues?: ProblemIssue[];
}
export type PlanResult = { ok: true; plan: Plan } | PlanProblem;

/** A plan, or in words why there is none. */
export function buildPlan(input: PlanInput): PlanResult {
  const { organizationId, version, signatures, poolName, pool, surroundings, labels, nonce, now } = input;
  const { document } = version;
  const checked = checkParameters(document.parameters, input.parameters);
  if (!checked.ok) return parameterProblem(checked.problems);
  if (!pool) {
    return problem(
      "no_such_pool",
      `There is no pool named "${poolName}". Create it, or run this in another pool.`,
    );
  }
  const missing = needsOf(document).pools.find((name) => !Object.hasOwn(surroundings.pools, name));
  if (missing !== undefined) {
    return problem(
      "no_such_pool",
      `There is no pool named "${missing}", which a block of this runbook runs in.`,
    );
  }
  const { pools, children } = surroundings;
  const runbooks = Object.fromEntries(
    Object.entries(surroundings.runbooks).map(([id, each]) => [id, procedureOf(each)]),
  );
  const range = rangeOf({ blocks: document.blocks, runbooks, children }, input.range);
  if ("ok" in range) return range;
  const plan: Plan = {
    schema: 1,
    organizationId,
    ...partsOf({ version, pool, signatures }, labels),
    parameters: checked.values,
    ...(Object.keys(pools).length > 0 && { pools }),
    ...(Object.keys(runbooks).length > 0 && { runbooks }),
    ...(Object.keys(children).length > 0 && { children }),
    ...range,
    nonce,
    expiresAt: now + lifeMs(document),
  };
  const waits = selfWait(plan);
  return waits === undefined ? withinLimit(plan) : problem("invalid_runbook", waits);
}

/** The plan of an execution that a `runbook` block starts; `plan` is that of the one it stands in. */
export function buildChildPlan(
  plan: Plan,
  block: string,
  parameters: Readonly<Record<string, unknown>>,
  { nonce, now }: { nonce: string; now: number },
): PlanResult {
  const versionId = entryOf(plan.children, block);
  const procedure = versionId === undefined ? undefined : entryOf(plan.runbooks, versionId);
  if (!procedure)
    return problem("invalid_state", `The plan does not hold the runbook that "${block}" starts.`);
  const { definitions, children, ...parts } = procedure;
  const checked = checkParameters(definitions, parameters);
  if (!checked.ok) return parameterProblem(checked.problems);
  const { organizationId, pools, runbooks } = plan;
  const expiresAt = now + lifeMs(procedure);
  const child: Plan = {
    schema: 1,
    organizationId,
    ...parts,
    parameters: checked.values,
    pools,
    runbooks,
    children,
    nonce,
    expiresAt,
  };
  return withinLimit(child);
}

/** The same plan for another execution: a retry does what was planned then. */
export function renewPlan(plan: Plan, { nonce, now }: { nonce: string; now: number }): Plan {
  return { ...plan, nonce, expiresAt: now + lifeMs(plan) };
}

function partsOf(
  { version, pool, signatures }: Pick<Resolved, "version" | "pool" | "signatures">,
  labels?: Record<string, string>,
) {
  const { document } = version;
  return {
    runbookId: version.runbookId,
    versionId: version.id,
    versionNumber: version.number,
    versionHash: version.contentHash,
    title: document.title,
    target: { poolId: pool.id, poolName: pool.name, labels: labels ?? document.target.labels ?? {} },
    blocks: document.blocks,
    ...(document.finally && { finally: document.finally }),
    ...(document.timeoutMs !== undefined && { timeoutMs: document.timeoutMs }),
    ...(document.locks && { locks: document.locks }),
    ...(signatures.length > 0 && { signed: signedOf(document, signatures) }),
  };
}

/** What agents need to see for themselves that the plan is of the document that was signed. */
function signedOf({ description, parameters, target }: RunbookDocument, signatures: string[]) {
  return { ...(description !== undefined && { description }), parameters, target, signatures };
}

function procedureOf(resolved: Resolved): ChildProcedure {
  const { version, children } = resolved;
  return { ...partsOf(resolved), definitions: version.document.parameters, children };
}

/** The part of the top level to run, or why it cannot be. */
function rangeOf(
  plan: Pick<Plan, "blocks" | "runbooks" | "children">,
  range: PlanInput["range"],
): Pick<Plan, "range"> | PlanProblem {
  const { blocks } = plan;
  if (!range || (range.from === undefined && range.to === undefined)) return {};
  const places = [range.from, range.to].map((name) => blocks.findIndex(({ id }) => id === name));
  const unknown = [range.from, range.to].find((name, index) => name !== undefined && places[index] === -1);
  if (unknown !== undefined) {
    const names = blocks.map(({ id }) => id).join(", ");
    return problem(
      "invalid_parameters",
      `There is no block "${unknown}" at the top level; there are ${names.slice(0, 500)}.`,
    );
  }
  const [from = -1, to = -1] = places;
  if (from >= 0 && to >= 0 && from > to) {
    return problem("invalid_parameters", `"${range.from}" comes after "${range.to}"; swap them.`);
  }
  const passed = blocks.slice(0, Math.max(from, 0)).find((block) => asksForApproval(plan, block));
  if (passed) {
    return problem(
      "invalid_parameters",
      `To begin at "${range.from}" would pass over "${passed.id}", which asks for an approval; begin there or before.`,
    );
  }
  return { range };
}

function withinLimit(plan: Plan): PlanResult {
  const bytes = new TextEncoder().encode(canonicalJson(plan)).length;
  if (bytes <= PLAN_MAX_BYTES) return { ok: true, plan };
  return problem(
    "payload_too_large",
    `The plan has ${Math.ceil(bytes / 1024)} KiB, at most ${PLAN_MAX_BYTES / 1024} KiB are possible. Pass large data as a file, or split the runbook.`,
  );
}

function parameterProblem(problems: readonly { name: string; message: string }[]): PlanProblem {
  return {
    ok: false,
    code: "invalid_parameters",
    detail: `The parameters do not fit this runbook: ${problems.map((each) => each.message).join("; ")}.`,
    issues: problems.map(({ name, message }) => ({ path: `/parameters/${pointerPart(name)}`, message })),
  };
}

function problem(code: ErrorCode, detail: string): PlanProblem {
  return { ok: false, code, detail };
}

/**
 * How long agents may start steps of it, ms. All steps one after the other,
 * each up to its limit and as often as it may be tried; what loops, waits for
 * people or spreads over agents may take as long as anything may.
 */
function lifeMs({
  blocks,
  finally: last = [],
  timeoutMs,
}: Pick<Plan, "blocks" | "finally" | "timeoutMs">): number {
  if (timeoutMs !== undefined) return PLAN_WAIT_MS + timeoutMs;
  let total = 0;
  for (const { block } of walkBlocks([...blocks, ...last])) {
    if (block.kind !== "command" && block.kind !== "api" && block.kind !== "instruction") return WAIT_MAX_MS;
    if (block.kind === "instruction") total += block.acknowledge ? (block.expiresMs ?? PLAN_WAIT_MS) : 0;
    else if (block.confirm !== undefined || block.locks || block.target || block.retry) return WAIT_MAX_MS;
    else total += block.timeoutMs ?? STEP_TIMEOUT_DEFAULT_MS;
  }
  return Math.min(WAIT_MAX_MS, PLAN_WAIT_MS + total);
}

/** A name as part of an RFC 6901 pointer. */
function pointerPart(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
