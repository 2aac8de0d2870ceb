/** Where things are. Absolute paths. */
import { fileURLToPath } from "node:url";

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const ROOT = at("");
export const DIST = at("dist");
export const WEB_DIST = at("dist/web");
export const WORKER_DIST = at("dist/worker");
export const AGENT_FILE = at("dist/agent/farhand-agent.mjs");
/** The agent as the control plane serves it to hosts that have Node. */
export const AGENT_ASSET = at("dist/web/agent/v1/farhand-agent.mjs");
export const MIGRATIONS = at("migrations");
export const WRANGLER_CONFIG = at("wrangler.toml");
export const DEFAULT_DATA = at(".farhand");
