import type { Organization, OrganizationUpdate } from "#protocol/api/organization.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, locksOf } from "../../objects.ts";

/**
 * Changes the organization's settings, in the database and in the object that
 * keeps to the limit on executions.
 * @throws ApiError `not_found`
 */
export async function updateOrganization(
  env: Env,
  caller: Caller,
  change: OrganizationUpdate,
): Promise<Organization> {
  const { id } = caller.organization;
  const organization = await tenantDb(env.DB, id).organization.update(change);
  if (!organization) throw notFound("organization");
  const { maxExecutions } = change;
  if (maxExecutions !== undefined) {
    await callObject(locksOf(env, id), (locks) => locks.setLimit(maxExecutions));
  }
  return organization;
}
