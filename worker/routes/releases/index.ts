import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "../../context.ts";
import { latestRelease, releaseFile } from "./files.ts";
import { installScript } from "./installScript.ts";

/** The agent's releases and the script that installs them: for everybody, since they are the same for everybody. */
export function installReleases(app: OpenAPIHono<AppEnv>): void {
  app.get("/install.sh", installScript);
  app.get("/releases/latest.json", latestRelease);
  app.get("/releases/:version/:name", releaseFile);
}
