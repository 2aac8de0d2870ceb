// The diff is that of the `diff` library: the one that others build on, without dependencies, and with a bound on its work.
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import type { Comparison } from "#protocol/api/differences.ts";
import type { Version } from "#protocol/api/runbooks.ts";
import type { Parameter } from "#protocol/runbook/parameters.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { changedFields, differenceOf } from "./difference.ts";

/** Most lines that may be different for a diff to be made: its cost grows with their square. */
const DIFF_MAX_LINES = 2_000;

/** Two versions of a runbook beside each other. @throws ApiError `not_found` */
export async function compareVersions(
  env: Env,
  caller: Caller,
  runbookId: string,
  numbers: { from: number; to: number },
): Promise<Comparison> {
  const { runbooks } = tenantDb(env.DB, caller.organization.id);
  const [from, to] = await Promise.all([
    runbooks.version(runbookId, numbers.from),
    runbooks.version(runbookId, numbers.to),
  ]);
  if (!from && !to) throw notFound("runbook with these versions");
  if (!from) throw new ApiError("not_found", `This runbook has no version ${numbers.from}.`);
  if (!to) throw new ApiError("not_found", `This runbook has no version ${numbers.to}.`);
  return comparisonOf(from, to);
}

export function comparisonOf(from: Version, to: Version): Comparison {
  const own = new Set(["blocks", "finally", "parameters", "schema"]);
  return {
    from: from.number,
    to: to.number,
    same: from.contentHash === to.contentHash,
    blocks: differenceOf(from.document, to.document),
    parameters: parametersBetween(from.document.parameters, to.document.parameters),
    settings: changedFields(from.document, to.document).filter((field) => !own.has(field)),
    diff: createTwoFilesPatch(
      `version ${from.number}`,
      `version ${to.number}`,
      from.source,
      to.source,
      undefined,
      undefined,
      { context: 3, maxEditLength: DIFF_MAX_LINES, headerOptions: FILE_HEADERS_ONLY },
    ),
  };
}

function parametersBetween(before: readonly Parameter[], after: readonly Parameter[]) {
  const old = new Map(before.map((parameter) => [parameter.name, parameter]));
  const now = new Map(after.map((parameter) => [parameter.name, parameter]));
  return {
    added: [...now.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !now.has(name)),
    changed: [...now].flatMap(([name, parameter]) => {
      const was = old.get(name);
      return was && changedFields(was, parameter).length > 0 ? [name] : [];
    }),
  };
}
