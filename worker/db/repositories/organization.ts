/** The organization itself: what it has settled for all that belongs to it. */
import { eq } from "drizzle-orm";
import type { Organization, OrganizationUpdate } from "#protocol/api/organization.ts";
import { organization } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

export function organizationRepository({ db, organizationId }: TenantScope) {
  const isOwn = eq(organization.id, organizationId);
  return {
    async get(): Promise<Organization | null> {
      const [row] = await db.select().from(organization).where(isOwn).limit(1);
      return row ? toOrganization(row) : null;
    },

    /** What is left out stays as it is; null when there is no such organization. */
    async update(change: OrganizationUpdate): Promise<Organization | null> {
      const [row] = await db.update(organization).set(change).where(isOwn).returning();
      return row ? toOrganization(row) : null;
    },
  };
}

function toOrganization(row: typeof organization.$inferSelect): Organization {
  const { id, name, maxExecutions, retentionDays } = row;
  return {
    id,
    name,
    ...(maxExecutions !== null && { maxExecutions }),
    ...(retentionDays !== null && { retentionDays }),
  };
}
