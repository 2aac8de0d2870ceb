import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "../../context.ts";

/** The OpenAPI document, made of the schemas that check the requests. */
export function openApiDocument(app: OpenAPIHono<AppEnv>) {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Farhand API",
      version: "1",
      description:
        "Every answer is `{ data, metadata }`; every failure is RFC 9457 problem details with a stable `code`. Pages are followed with `metadata.nextCursor`. `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds until the full limit is there again) come with every answer.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: "/" }],
  });
}

/** How callers may say who they are. */
export const securitySchemes = {
  apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
  bearer: { type: "http", scheme: "bearer", description: "An API key." },
  session: {
    type: "apiKey",
    in: "cookie",
    name: "farhand_session",
    description: "Set by logging in to the app.",
  },
} as const;
