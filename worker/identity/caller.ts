import { type Actor, SCOPES, type Scope } from "#protocol/actor.ts";
import { ApiError } from "../errors.ts";

/** Who a request comes from, and what they may do in which organization. */
export interface Caller {
  organization: { id: string; name: string };
  actor: Extract<Actor, { type: "user" | "api_key" }>;
  scopes: ReadonlySet<Scope>;
  /** The person whose membership bounds the rights: the caller, or the key's creator. */
  userId: string;
  /** The API key's or the session's id: what this caller opened ends with it. */
  credentialId: string;
  /** When that ends by itself, ms since the epoch. */
  credentialExpiresAt?: number;
  email?: string;
  /** The person's role in the organization; absent for keys, which are no persons. */
  role?: string;
}

const ROLE_SCOPES: Readonly<Record<string, readonly Scope[]>> = {
  owner: SCOPES,
  admin: SCOPES,
  member: [
    "runbooks:read",
    "runbooks:write",
    "executions:read",
    "executions:write",
    "agents:read",
    "secrets:read",
  ],
};

/** What a role in an organization allows; nothing for a role nobody knows, or for none. */
export function roleScopes(role: string | null): ReadonlySet<Scope> {
  return new Set(role !== null && Object.hasOwn(ROLE_SCOPES, role) ? ROLE_SCOPES[role] : []);
}

/** The one permission check. @throws ApiError `insufficient_scope` that names what is missing. */
export function requireScope(caller: Caller, scope: Scope): void {
  if (caller.scopes.has(scope)) return;
  const detail =
    caller.actor.type === "api_key"
      ? `This needs the scope "${scope}", which this API key does not have. Use a key that has it.`
      : `This needs the permission "${scope}", which your role does not give. Ask an owner of the organization.`;
  throw new ApiError("insufficient_scope", detail);
}
