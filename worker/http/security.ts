/** Headers that tell browsers what an answer may do. Those of the web app stand in `web/public/_headers`. */
const EVERYWHERE = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };

/** Data is never a page, never framed, never kept by a cache. */
export const API_HEADERS: Record<string, string> = {
  ...EVERYWHERE,
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
};

/** Releases of the agent are the same for everybody; each answer says how long it may be kept. */
export const RELEASE_HEADERS: Record<string, string> = {
  ...EVERYWHERE,
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

/** The API reference: a page without scripts. */
export const REFERENCE_HEADERS: Record<string, string> = {
  ...EVERYWHERE,
  "content-security-policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
  "cache-control": "no-cache",
};
