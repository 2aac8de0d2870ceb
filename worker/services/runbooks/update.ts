import type { Runbook } from "#protocol/api/runbooks.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { draftVersion } from "./draft.ts";

interface RunbookUpdate {
  runbookId: string;
  source: string;
  /** Whether the version that the caller has seen is this one. */
  expects: (versionNumber: number) => boolean;
}

/**
 * Writes a new version, unless somebody else did meanwhile. The source of the
 * latest version again changes nothing.
 * @throws ApiError `not_found`, `precondition_failed`, `invalid_runbook`
 */
export async function updateRunbook(
  env: Env,
  caller: Caller,
  { runbookId, source, expects }: RunbookUpdate,
): Promise<Runbook> {
  const { runbooks } = tenantDb(env.DB, caller.organization.id);
  const current = await runbooks.get(runbookId);
  if (!current) throw notFound("runbook");
  if (!expects(current.latestVersion)) throw changedMeanwhile(current.latestVersion);
  if (current.version.source === source) return current;

  const version = await draftVersion(source, caller.actor);
  const written = await runbooks.addVersion(runbookId, current.latestVersion, version);
  const updated = await runbooks.get(runbookId);
  if (!updated) throw notFound("runbook");
  if (!written) throw changedMeanwhile(updated.latestVersion);
  return updated;
}

interface Rollback {
  runbookId: string;
  /** The version whose content is to be that of a new one: its number or its id. */
  version: number | string;
  expects: (versionNumber: number) => boolean;
}

/**
 * Writes a new version with the content of an earlier one, so that nothing of
 * the history is lost. The latest version itself changes nothing.
 * @throws ApiError `not_found`, `precondition_failed`, `invalid_runbook`
 */
export async function rollBackRunbook(
  env: Env,
  caller: Caller,
  { runbookId, version, expects }: Rollback,
): Promise<Runbook> {
  const { runbooks } = tenantDb(env.DB, caller.organization.id);
  const number = typeof version === "number" ? version : await runbooks.numberOf(runbookId, version);
  const earlier = number === undefined ? null : await runbooks.version(runbookId, number);
  if (!earlier && !(await runbooks.exists(runbookId))) throw notFound("runbook");
  if (!earlier) throw new ApiError("not_found", `This runbook has no version ${version}.`);
  return updateRunbook(env, caller, { runbookId, source: earlier.source, expects });
}

function changedMeanwhile(latest: number): ApiError {
  const detail = `This runbook is at version ${latest} by now. Read it again, apply your change to that, and send it with If-Match: "${latest}".`;
  return new ApiError("precondition_failed", detail);
}
