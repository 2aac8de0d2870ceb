/** Headers that tell browsers what an answer may do. */
const EVERYWHERE = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };

/** Data is never a page, never framed, never kept by a cache. */
export const API_HEADERS: Record<string, string> = {
  ...EVERYWHERE,
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
};

/** The API reference: a page without scripts. */
export const REFERENCE_HEADERS: Record<string, string> = {
  ...EVERYWHERE,
  "content-security-policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
  "cache-control": "no-cache",
};

/**
 * The web app: scripts from here only. Its components set styles inline, so
 * those are allowed. The socket's origin is named because not every browser
 * counts it as 'self'.
 */
export function appHeaders(origin: string): Record<string, string> {
  const policy = [
    "default-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    `connect-src 'self' ${origin.replace(/^http/, "ws")}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  return { ...EVERYWHERE, "content-security-policy": policy.join("; ") };
}
