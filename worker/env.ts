/** The bindings and settings the worker runs with; `wrangler.toml` declares the bindings. */
import type { ExecutionCoordinator } from "./execution/ExecutionCoordinator.ts";
import type { OrganizationFeed } from "./feed/OrganizationFeed.ts";
import type { RateLimiter } from "./limiter/RateLimiter.ts";
import type { AgentPool } from "./pool/AgentPool.ts";

export interface Env {
  DB: D1Database;
  ASSETS: Fetcher;
  ARCHIVE: R2Bucket;
  NOTIFICATIONS: Queue;
  EXECUTION_COORDINATOR: DurableObjectNamespace<ExecutionCoordinator>;
  AGENT_POOL: DurableObjectNamespace<AgentPool>;
  ORGANIZATION_FEED: DurableObjectNamespace<OrganizationFeed>;
  RATE_LIMITER: DurableObjectNamespace<RateLimiter>;
  /** Signs browser sessions; at least 32 characters. */
  AUTH_SECRET: string;
  /** Where people and agents reach this control plane, e.g. https://farhand.example.com. */
  PUBLIC_URL: string;
}
