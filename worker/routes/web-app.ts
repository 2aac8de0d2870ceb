import type { AppContext } from "../context.ts";
import { withHeaders } from "../http/respond.ts";
import { appHeaders } from "../http/security.ts";

/** Everything that is no API is the web app: its files, or its page, which knows its own routes. */
export async function serveWebApp(c: AppContext): Promise<Response> {
  const response = await c.env.ASSETS.fetch(c.req.raw);
  return withHeaders(response, appHeaders(new URL(c.req.url).origin));
}
