import type { Settings } from "../env.ts";
import { ApiError } from "../errors.ts";

/**
 * The origins this control plane answers as: where it is published and, on a
 * developer's machine, every loopback address it is reached at. Never what only
 * the Host header says: whoever sends the request chooses that.
 */
export function ownOrigins(request: Request, settings: Settings): string[] {
  const { origin } = new URL(request.url);
  const onLoopback = isLoopback(settings.publicOrigin) && isLoopback(origin);
  return onLoopback ? [settings.publicOrigin, origin] : [settings.publicOrigin];
}

/** True for an origin on this machine. */
export function isLoopback(origin: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(origin).hostname);
}

/**
 * Refuses requests that a browser sends with its cookie on behalf of another
 * site. Reading needs no check, since no other origin may see the answer; a
 * WebSocket does, since browsers open those to anywhere.
 * @throws ApiError `origin_not_allowed`
 */
export function requireOwnOrigin(request: Request, settings: Settings): void {
  const upgrades = request.headers.get("upgrade")?.toLowerCase() === "websocket";
  if ((request.method === "GET" || request.method === "HEAD") && !upgrades) return;
  const origin = request.headers.get("origin");
  if (origin !== null && ownOrigins(request, settings).includes(origin)) return;
  throw new ApiError(
    "origin_not_allowed",
    "A request with a session cookie must come from the app itself: its Origin header has to name this server. Programs use an API key instead.",
  );
}
