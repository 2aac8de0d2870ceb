import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";

/** Hides a runbook; its versions and executions stay. @throws ApiError `not_found` */
export async function removeRunbook(env: Env, caller: Caller, runbookId: string): Promise<void> {
  const removed = await tenantDb(env.DB, caller.organization.id).runbooks.remove(runbookId, new Date());
  if (!removed) throw notFound("runbook");
}
