import type { Settings } from "../env.ts";

/**
 * The session cookie. On https its name carries `__Host-`, which browsers
 * accept only as Secure, for the whole host and for no other; on plain http
 * (loopback, in development) they would refuse it.
 */
export function sessionCookie(settings: Settings): { name: string; secure: boolean } {
  const secure = settings.publicOrigin.startsWith("https:");
  return { name: secure ? "__Host-farhand_session" : "farhand_session", secure };
}
