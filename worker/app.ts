/** The HTTP side of the control plane: what every request goes through, and where it ends up. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Next } from "hono";
import { newId } from "#protocol/ids.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { readSettings } from "./env.ts";
import { ApiError, problemResponse } from "./errors.ts";
import { withHeaders } from "./http/respond.ts";
import { API_HEADERS, RELEASE_HEADERS } from "./http/security.ts";
import { admit, askForAnonymous, rateLimitHeaders } from "./limiter/admission.ts";
import { log } from "./log.ts";
import { installAgentApi } from "./routes/agent-api/index.ts";
import { installAuth } from "./routes/auth.ts";
import { operations } from "./routes/index.ts";
import { installReleases } from "./routes/releases/index.ts";
import { installSystem } from "./routes/system/index.ts";

export function createApp(): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>();
  app.use("/api/*", framed(API_HEADERS));
  app.use("/agent/*", framed(API_HEADERS));
  app.use("/install.sh", framed(RELEASE_HEADERS));
  app.use("/releases/*", framed(RELEASE_HEADERS));
  installSystem(app);
  installAuth(app);
  installAgentApi(app);
  installReleases(app);
  for (const operation of operations) operation.install(app);
  app.all("/api/*", (c) => refuseUnknown(app, c));
  app.all("/agent/*", (c) => refuseUnknown(app, c));
  app.all("/install.sh", (c) => refuseUnknown(app, c));
  app.all("/releases/*", (c) => refuseUnknown(app, c));
  app.onError((error, c) => failure(c, error));
  app.notFound((c) => failure(c, new ApiError("not_found", "There is nothing at this address.")));
  return app;
}

/** What is around every request that is not for a page: its id, the settings, and the headers of its answer. */
function framed(headers: Readonly<Record<string, string>>) {
  return async (c: AppContext, next: Next): Promise<void> => {
    c.set("requestId", newId("request"));
    c.set("startedAt", Date.now());
    const check = readSettings(c.env);
    if (!check.ok) {
      throw new ApiError("internal", `This server is not set up: ${check.problems.join("; ")}.`);
    }
    c.set("settings", check.settings);
    await next();
    const allowance = await c.var.allowance;
    const response = withHeaders(c.res, {
      ...headers,
      ...(allowance && rateLimitHeaders(allowance)),
      "x-request-id": c.var.requestId,
      // Agents whose clock is off go by it (G12). Workerd alone does not say it.
      date: new Date().toUTCString(),
    });
    // Emptied first: otherwise hono merges the two and loses the WebSocket of an upgrade.
    c.res = undefined;
    c.res = response;
  };
}

/** An address that is not there, or one that is there for another method. */
async function refuseUnknown(app: OpenAPIHono<AppEnv>, c: AppContext): Promise<never> {
  admit(await askForAnonymous(c));
  const allowed = methodsAt(app, c.req.path);
  if (allowed.length === 0) throw new ApiError("not_found", "There is nothing at this address.");
  throw new ApiError("method_not_allowed", `This address answers to ${allowed.join(", ")}.`, {
    headers: { allow: allowed.join(", ") },
  });
}

/** Methods that some route takes at this path. */
function methodsAt(app: OpenAPIHono<AppEnv>, path: string): string[] {
  const methods = app.routes
    .filter((route) => route.method !== "ALL" && !route.path.includes("*") && matches(route.path, path))
    .map((route) => route.method);
  return [...new Set(methods)].sort();
}

function matches(pattern: string, path: string): boolean {
  const expected = pattern.split("/");
  const given = path.split("/");
  return expected.length === given.length && expected.every((part, index) => fits(part, given[index] ?? ""));
}

/** True where a part of a path is what the pattern has there: itself, anything, or what a rule allows. */
function fits(expected: string, given: string): boolean {
  if (!expected.startsWith(":")) return expected === given;
  const rule = /\{(.+)\}$/.exec(expected)?.[1];
  return rule === undefined || new RegExp(`^(?:${rule})$`).test(given);
}

/** Turns whatever was thrown into a problem answer; what nobody foresaw is logged, and told to nobody. */
function failure(c: AppContext, error: unknown): Response {
  const requestId = c.var.requestId ?? newId("request");
  const fields = {
    requestId,
    organizationId: c.var.caller?.organization.id,
    method: c.req.method,
    path: c.req.path,
  };
  if (error instanceof ApiError) {
    const { code, cause } = error;
    if (code === "internal" || code === "unavailable") {
      log("error", "request failed", { ...fields, code, detail: error.message, error: cause });
    } else {
      log("info", "request refused", { ...fields, code });
    }
    return problemResponse(error, requestId);
  }
  if (isDatabaseFailure(error)) {
    // Only the cause: the error itself repeats the statement with its parameters.
    log("error", "database failed", { ...fields, error: error.cause });
    const detail = "The database did not answer as it should. Try again shortly.";
    return problemResponse(
      new ApiError("unavailable", detail, { headers: { "retry-after": "1" } }),
      requestId,
    );
  }
  log("error", "request crashed", { ...fields, error });
  const detail = "Something went wrong on our side. If it stays, report it with the requestId.";
  return problemResponse(new ApiError("internal", detail), requestId);
}

/** A statement that failed carries the database's own error as its cause. */
function isDatabaseFailure(error: unknown): error is Error & { cause: Error } {
  if (!(error instanceof Error) || !(error.cause instanceof Error)) return false;
  return error.message.startsWith("Failed query") || error.cause.message.startsWith("D1_");
}
