import { createRoute } from "@hono/zod-openapi";
import { envelope } from "#protocol/api/envelope.ts";
import { healthSchema } from "#protocol/api/health.ts";
import { problemSchema } from "#protocol/errors.ts";
import { PROTOCOL_VERSIONS } from "#protocol/version.ts";
import type { AppContext } from "../../context.ts";
import { ApiError } from "../../errors.ts";
import { API_PREFIX } from "../../http/operation.ts";
import { respond } from "../../http/respond.ts";

export const healthRoute = createRoute({
  method: "get",
  path: `${API_PREFIX}/health`,
  tags: ["System"],
  summary: "Whether the service and its database answer",
  responses: {
    200: {
      description: "They do.",
      content: { "application/json": { schema: envelope(healthSchema) } },
    },
    503: {
      description: "unavailable",
      content: { "application/problem+json": { schema: problemSchema } },
    },
  },
});

export async function health(c: AppContext): Promise<Response> {
  try {
    await c.env.DB.prepare("SELECT 1").run();
  } catch (cause) {
    throw new ApiError("unavailable", "The database does not answer.", {
      cause,
      headers: { "retry-after": "5" },
    });
  }
  return respond(c, { data: { status: "ok" as const, protocol: PROTOCOL_VERSIONS } });
}
