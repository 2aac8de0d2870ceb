import type { HttpRequest } from "./request.ts";

/** How many redirects are followed. */
export const REDIRECTS_MAX = 5;

const REDIRECTS = [301, 302, 303, 307, 308];

/** Headers that may go along to another origin; any other could be a credential. */
const HARMLESS = new Set(["accept", "accept-encoding", "accept-language", "content-type", "user-agent"]);

/**
 * The request that follows a redirect, as browsers make it: a POST becomes a
 * GET except for 307 and 308, and another origin is told nothing that could be
 * a credential. What was asked for over https is not asked for over http.
 * @param location the answer's `location` header
 * @returns undefined when the answer redirects nowhere, or where it is not followed
 */
export function redirectedRequest(
  request: HttpRequest,
  status: number,
  location: string | null,
): HttpRequest | undefined {
  const url = location === null ? null : URL.parse(location, request.url);
  if (!url || !REDIRECTS.includes(status)) return undefined;
  url.hash = "";
  const from = new URL(request.url);
  if (from.protocol === "https:" && url.protocol !== "https:") return undefined;
  const isElsewhere = url.origin !== from.origin;
  const becomesGet = becomesGetAfter(status, request.method);
  const headers = request.headers.filter(
    ([name]) => (!isElsewhere || HARMLESS.has(name)) && !(becomesGet && name.startsWith("content-")),
  );
  const { method, body } = becomesGet ? { method: "GET" as const, body: undefined } : request;
  return { method, url: url.href, headers, ...(body && { body }) };
}

function becomesGetAfter(status: number, method: HttpRequest["method"]): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}
