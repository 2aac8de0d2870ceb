/** The one place that turns a request into a caller. */
import { parseSigned } from "hono/utils/cookie";
import { identityDb } from "../db/identity.ts";
import type { Env, Settings } from "../env.ts";
import { ApiError } from "../errors.ts";
import { type Caller, roleScopes } from "./caller.ts";
import { sessionCookie } from "./cookies.ts";
import { requireOwnOrigin } from "./origin.ts";
import { secretHash } from "./secrets.ts";

/** A key's last use is written at most this often, ms. */
const TOUCH_INTERVAL_MS = 60_000;

export interface Authentication {
  env: Env;
  settings: Settings;
  /** Work that may finish after the answer is sent. */
  defer: (work: Promise<unknown>) => void;
}

/**
 * An API key (`X-API-Key`, or `Authorization: Bearer`) or a browser's session
 * cookie; a key wins. One D1 statement either way.
 * @throws ApiError `unauthenticated`, `invalid_api_key` or `origin_not_allowed`.
 */
export async function authenticate(request: Request, using: Authentication): Promise<Caller> {
  const key = apiKeyOf(request.headers);
  if (key !== null) return callerOfKey(key, using);
  const token = await sessionTokenOf(request, using.settings);
  if (token !== null) {
    requireOwnOrigin(request, using.settings);
    const caller = await callerOfSession(token, using);
    if (caller) return caller;
    throw new ApiError("unauthenticated", "This session has ended. Log in again.");
  }
  throw new ApiError(
    "unauthenticated",
    "Send an API key as X-API-Key or Authorization: Bearer, or log in to the app.",
    { headers: { "www-authenticate": 'Bearer realm="farhand"' } },
  );
}

function apiKeyOf(headers: Headers): string | null {
  const header = headers.get("x-api-key");
  if (header !== null) return header.trim();
  const bearer = /^bearer\s+(.*)$/i.exec(headers.get("authorization") ?? "");
  return bearer?.[1]?.trim() ?? null;
}

async function callerOfKey(secret: string, { env, defer }: Authentication): Promise<Caller> {
  const hash = await secretHash("apiKey", secret);
  if (hash === null) throw invalidKey("This is not an API key of Farhand: it looks mistyped or cut short.");
  const now = new Date();
  const db = identityDb(env.DB);
  const found = await db.findApiKey(hash);
  if (!found) throw invalidKey("There is no such API key.");
  const { key, organizationName, role } = found;
  if (key.revokedAt) throw invalidKey("This API key was revoked.");
  if (key.expiresAt && key.expiresAt <= now) throw invalidKey("This API key has expired.");
  if (role === null) throw invalidKey("Whoever created this API key has left the organization.");

  const before = new Date(now.getTime() - TOUCH_INTERVAL_MS);
  if (!key.lastUsedAt || key.lastUsedAt < before) {
    defer(db.touchApiKey(key.organizationId, key.id, now, before));
  }
  const allowed = roleScopes(role);
  return {
    organization: { id: key.organizationId, name: organizationName },
    actor: { type: "api_key", id: key.id, name: key.name },
    scopes: new Set(key.scopes.filter((scope) => allowed.has(scope))),
    userId: key.userId,
    credentialId: key.id,
    ...(key.expiresAt && { credentialExpiresAt: key.expiresAt.getTime() }),
  };
}

function invalidKey(detail: string): ApiError {
  return new ApiError("invalid_api_key", detail, {
    headers: { "www-authenticate": 'Bearer realm="farhand", error="invalid_token"' },
  });
}

/** The token in the session cookie, if its signature is ours. */
async function sessionTokenOf(request: Request, settings: Settings): Promise<string | null> {
  const header = request.headers.get("cookie");
  if (header === null) return null;
  const { name } = sessionCookie(settings);
  const cookies = await parseSigned(header, settings.authSecret, name);
  return cookies[name] || null;
}

async function callerOfSession(token: string, { env }: Authentication): Promise<Caller | null> {
  const found = await identityDb(env.DB).findSession(token, new Date());
  if (!found) return null;
  return {
    organization: { id: found.organizationId, name: found.organizationName },
    actor: { type: "user", id: found.user.id, name: found.user.name },
    scopes: roleScopes(found.role),
    userId: found.user.id,
    credentialId: found.sessionId,
    credentialExpiresAt: found.expiresAt.getTime(),
    email: found.user.email,
    ...(found.role !== null && { role: found.role }),
  };
}
