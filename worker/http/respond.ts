import type { Metadata } from "#protocol/api/envelope.ts";
import type { AppContext } from "../context.ts";

export interface Reply<T> {
  data: T;
  status?: 200 | 201;
  headers?: Record<string, string>;
  nextCursor?: string | undefined;
}

/** An answer in its envelope. */
export function respond<T>(
  c: AppContext,
  { data, status = 200, headers = {}, nextCursor }: Reply<T>,
): Response {
  const now = Date.now();
  const metadata: Metadata = {
    requestId: c.var.requestId,
    timestamp: new Date(now).toISOString(),
    durationMs: now - c.var.startedAt,
    ...(nextCursor !== undefined && { nextCursor }),
  };
  return Response.json({ data, metadata }, { status, headers });
}

/**
 * The response with headers put on top. Responses of other objects are
 * read-only, and one that carries a WebSocket has to keep it.
 */
export function withHeaders(
  response: Response,
  headers: Record<string, string>,
  status: number = response.status,
): Response {
  const all = new Headers(response.headers);
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  if (response.webSocket) {
    return new Response(null, { status: 101, webSocket: response.webSocket, headers: all });
  }
  return new Response(response.body, { status, headers: all });
}
