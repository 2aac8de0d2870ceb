import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppContext, AppEnv } from "../../context.ts";
import { API_PREFIX } from "../../http/operation.ts";
import { REFERENCE_HEADERS } from "../../http/security.ts";
import { admit, askForAnonymous } from "../../limiter/admission.ts";
import { openApiDocument, securitySchemes } from "./document.ts";
import { health, healthRoute } from "./health.ts";
import { me } from "./me.ts";
import { REFERENCE_CSS, referencePage } from "./reference.ts";

export const systemOperations = [me];

/** What is open to everybody: health, the API's description and its reference. */
export function installSystem(app: OpenAPIHono<AppEnv>): void {
  for (const [name, scheme] of Object.entries(securitySchemes)) {
    app.openAPIRegistry.registerComponent("securitySchemes", name, scheme);
  }
  app.openAPIRegistry.registerPath(healthRoute);
  // Made when first asked for, by then every operation is in it; and once, for it takes a while.
  let made: ReturnType<typeof openApiDocument> | undefined;
  const document = () => (made ??= openApiDocument(app));
  app.get(healthRoute.path, (c) => forAnybody(c, () => health(c)));
  app.get(`${API_PREFIX}/openapi.json`, (c) => forAnybody(c, () => Response.json(document())));
  app.get("/docs", (c) => {
    return c.html(referencePage(document()), 200, REFERENCE_HEADERS);
  });
  app.get("/docs/reference.css", (c) =>
    c.body(REFERENCE_CSS, 200, { ...REFERENCE_HEADERS, "content-type": "text/css; charset=utf-8" }),
  );
}

async function forAnybody(c: AppContext, answer: () => Response | Promise<Response>): Promise<Response> {
  admit(await askForAnonymous(c));
  return answer();
}
