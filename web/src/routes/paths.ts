/** Every address of the app, in one place. */
export const paths = {
  logIn: "/login",
  signUp: "/signup",
  runbooks: "/runbooks",
  newRunbook: "/runbooks/new",
  runbook: (id: string) => `/runbooks/${id}`,
  editRunbook: (id: string) => `/runbooks/${id}/edit`,
  runRunbook: (id: string) => `/runbooks/${id}/run`,
  version: (id: string, number: number) => `/runbooks/${id}/versions/${number}`,
  compare: (id: string, from: number, to: number) => `/runbooks/${id}/compare?from=${from}&to=${to}`,
  executions: "/executions",
  execution: (id: string) => `/executions/${id}`,
  agents: "/agents",
  secrets: "/secrets",
  apiKeys: "/api-keys",
  signingKeys: "/signing-keys",
  settings: "/settings",
  webhooks: "/settings/webhooks",
  webhook: (id: string) => `/settings/webhooks/${id}`,
} as const;

/** Where to log in, and to come back to afterwards. */
export function logInPath(location: { pathname: string; search: string; hash: string }): string {
  const next = `${location.pathname}${location.search}${location.hash}`;
  return next === "/" ? paths.logIn : `${paths.logIn}?next=${encodeURIComponent(next)}`;
}

/** The page to return to after logging in; only ever one of this app's own. */
export function returnPath(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "";
  const own = next.startsWith("/") && !next.startsWith("//") && !next.includes("\\");
  return own ? next : paths.runbooks;
}
