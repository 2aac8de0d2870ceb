import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { drizzle } from "drizzle-orm/d1";
import { account, invitation, member, organization, session, user, verification } from "./schema.ts";

/** The tables that better-auth keeps people, sessions and memberships in. */
export function authDatabase(d1: D1Database) {
  return drizzleAdapter(drizzle(d1), {
    provider: "sqlite",
    schema: { account, invitation, member, organization, session, user, verification },
  });
}
