import type { Runbook } from "#protocol/api/runbooks.ts";
import { newId } from "#protocol/ids.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import type { Caller } from "../../identity/caller.ts";
import { draftVersion } from "./draft.ts";

/** Creates a runbook with its first version. @throws ApiError `invalid_runbook` */
export async function createRunbook(env: Env, caller: Caller, source: string): Promise<Runbook> {
  const version = await draftVersion(source, caller.actor);
  return tenantDb(env.DB, caller.organization.id).runbooks.create(newId("runbook"), version);
}
