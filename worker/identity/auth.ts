/** Sign-up, log-in and sessions of people, through better-auth. */
import { betterAuth } from "better-auth";
import { APIError } from "better-auth/api";
import { organization } from "better-auth/plugins";
import { z } from "zod";
import type { ErrorCode } from "#protocol/errors.ts";
import { newId } from "#protocol/ids.ts";
import { PERSON_NAME_MAX } from "#protocol/limits.ts";
import { whyNoName } from "#protocol/names.ts";
import { authDatabase } from "../db/auth.ts";
import { identityDb } from "../db/identity.ts";
import type { Env, Settings } from "../env.ts";
import { ApiError } from "../errors.ts";
import { log } from "../log.ts";
import { callObject, feedOf } from "../objects.ts";
import { sessionCookie } from "./cookies.ts";
import { ownOrigins } from "./origin.ts";

/** What of better-auth is open to the outside; anything else is not there. */
export const AUTH_ENDPOINTS = [
  { method: "POST", path: "/api/auth/sign-up/email", guessable: true },
  { method: "POST", path: "/api/auth/sign-in/email", guessable: true },
  { method: "POST", path: "/api/auth/sign-out", guessable: false },
  { method: "GET", path: "/api/auth/get-session", guessable: false },
] as const;

/**
 * Passes a request on to better-auth. What it refuses becomes an `ApiError`;
 * what it accepts is answered as it says, cookies included.
 */
export async function handleAuth(request: Request, env: Env, settings: Settings): Promise<Response> {
  const response = await authFor(env, settings).handler(request);
  if (response.status >= 400) throw await refusal(response);
  return withoutToken(response);
}

/** The session's token belongs into its HttpOnly cookie and into nothing that a script can read. */
async function withoutToken(response: Response): Promise<Response> {
  const text = JSON.stringify(await response.json(), (name, value) => (name === "token" ? undefined : value));
  return new Response(text, { status: response.status, headers: response.headers });
}

/** An isolate serves one deployment, so one instance per environment is enough. */
const instances = new WeakMap<D1Database, ReturnType<typeof createAuth>>();

function authFor(env: Env, settings: Settings) {
  const known = instances.get(env.DB);
  if (known) return known;
  const auth = createAuth(env, settings);
  instances.set(env.DB, auth);
  return auth;
}

function createAuth(env: Env, settings: Settings) {
  const d1 = env.DB;
  const cookie = sessionCookie(settings);
  return betterAuth({
    appName: "Farhand",
    baseURL: settings.publicOrigin,
    basePath: "/api/auth",
    secret: settings.authSecret,
    database: authDatabase(d1),
    trustedOrigins: (request) => (request ? ownOrigins(request, settings) : [settings.publicOrigin]),
    emailAndPassword: { enabled: true },
    plugins: [organization({ allowUserToCreateOrganization: false })],
    // The worker counts attempts itself, in an object that all isolates share.
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    advanced: {
      // The names below carry the prefix that browsers enforce; better-auth's own would come before it.
      useSecureCookies: false,
      cookiePrefix: "farhand",
      defaultCookieAttributes: { secure: cookie.secure },
      cookies: { session_token: { name: cookie.name } },
      ipAddress:
        settings.clientAddressHeader === undefined
          ? { disableIpTracking: true }
          : { ipAddressHeaders: [settings.clientAddressHeader] },
      database: { generateId: ({ model }) => (model === "user" ? newId("user") : crypto.randomUUID()) },
    },
    databaseHooks: {
      user: {
        create: {
          before: async ({ name }) => {
            const why =
              name.length > PERSON_NAME_MAX
                ? `The name has over ${PERSON_NAME_MAX} characters; use a shorter one.`
                : whyNoName(name);
            if (why) throw new APIError("BAD_REQUEST", { message: why });
          },
        },
      },
      session: {
        create: {
          // Also at sign-up, which opens a session: this is where an organization is made.
          before: async (session) => ({
            data: {
              ...session,
              activeOrganizationId: await identityDb(d1).ensureOrganization(session.userId, new Date()),
            },
          }),
        },
        delete: { after: (session) => endSockets(env, session) },
      },
    },
    logger: {
      log: (level, message) => log(level === "debug" ? "debug" : level, message, { part: "identity" }),
    },
  });
}

const endedSessionSchema = z.object({ id: z.string(), activeOrganizationId: z.string() });

/** Ends what a session opened, however it came to its end. */
async function endSockets(env: Env, session: unknown): Promise<void> {
  const { id, activeOrganizationId } = endedSessionSchema.parse(session);
  await callObject(feedOf(env, activeOrganizationId), (feed) => feed.revoke(id));
}

const refusalSchema = z.object({ code: z.string().optional(), message: z.string().optional() }).catch({});

async function refusal(response: Response): Promise<ApiError> {
  const body = refusalSchema.parse(await response.json().catch(() => ({})));
  if (response.status >= 500) return new ApiError("internal", "Logging in failed on our side. Try again.");
  const detail = body.message ?? "The request was refused.";
  return new ApiError(codeOf(response.status, body.code), detail);
}

function codeOf(status: number, code: string | undefined): ErrorCode {
  if (code?.startsWith("USER_ALREADY_EXISTS")) return "conflict";
  if (code === "INVALID_ORIGIN" || code?.startsWith("CROSS_SITE")) return "origin_not_allowed";
  if (status === 401) return "unauthenticated";
  if (status === 403) return "forbidden";
  if (status === 404) return "not_found";
  if (status === 415) return "unsupported_media_type";
  return "invalid_request";
}
