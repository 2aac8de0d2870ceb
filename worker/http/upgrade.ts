import { ApiError } from "../errors.ts";
import { type Fetches, fetchObject } from "../objects.ts";

/** @throws ApiError `upgrade_required` for a plain request */
export function requireUpgrade(request: Request): void {
  if (request.headers.get("upgrade")?.toLowerCase() === "websocket") return;
  throw new ApiError(
    "upgrade_required",
    "This address speaks WebSocket. If your client does too, a proxy in between removed the Upgrade header.",
    { headers: { upgrade: "websocket", connection: "upgrade" } },
  );
}

/**
 * Hands a WebSocket upgrade on to an object. Nothing of the request's own
 * headers goes with it but what makes the handshake: who is calling has been
 * found out already, and the object believes what it is told.
 * @throws ApiError `upgrade_required`
 */
export function upgradeTo(
  request: Request,
  stub: () => Fetches,
  path: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  requireUpgrade(request);
  return fetchObject(stub, path, { headers: { ...headers, upgrade: "websocket", connection: "upgrade" } });
}
