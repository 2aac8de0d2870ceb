import type { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import type { AppContext, AppEnv } from "../context.ts";
import { readJson } from "../http/input.ts";
import { AUTH_ENDPOINTS, handleAuth } from "../identity/auth.ts";
import { admit, admitSignIn, askForAnonymous } from "../limiter/admission.ts";

const emailSchema = z.object({ email: z.string().max(320) });

/** Sign-up, log-in, log-out and the session of people. */
export function installAuth(app: OpenAPIHono<AppEnv>): void {
  for (const { method, path, guessable } of AUTH_ENDPOINTS) {
    app.on(method, path, async (c: AppContext) => {
      if (guessable) await admitSignIn(c, await emailIn(c.req.raw.clone()));
      else admit(await askForAnonymous(c));
      return handleAuth(c.req.raw, c.env, c.var.settings);
    });
  }
}

/** The account an attempt is about; what is no address is refused later, by who knows why. */
async function emailIn(request: Request): Promise<string> {
  const body = emailSchema.safeParse(await readJson(request));
  return body.success ? body.data.email : "";
}
