import type { OpenAPIHono } from "@hono/zod-openapi";
import { AGENT_PATHS } from "#protocol/assertion.ts";
import type { AppEnv } from "../../context.ts";
import { enroll } from "./enroll.ts";
import { rotateKey } from "./rotateKey.ts";
import { control, execution } from "./sockets.ts";

/** What agents dial. */
export function installAgentApi(app: OpenAPIHono<AppEnv>): void {
  app.post(AGENT_PATHS.enroll, enroll);
  app.post(AGENT_PATHS.rotateKey, rotateKey);
  app.get(AGENT_PATHS.control, control);
  app.get(AGENT_PATHS.execution(":executionId"), execution);
}
