/** The worker's entry: the HTTP app and the Durable Objects. */
import { createApp } from "./app.ts";
import type { Env } from "./env.ts";
import { log } from "./log.ts";
import { consume } from "./notifications/consume.ts";
import { purgeExpired } from "./retention.ts";
import { sweep } from "./sweep.ts";

export { OutboundBreakers } from "./edge/OutboundBreakers.ts";
export { ExecutionCoordinator } from "./execution/ExecutionCoordinator.ts";
export { OrganizationFeed } from "./feed/OrganizationFeed.ts";
export { RateLimiter } from "./limiter/RateLimiter.ts";
export { OrganizationLocks } from "./locks/OrganizationLocks.ts";
export { AgentPool } from "./pool/AgentPool.ts";

const app = createApp();

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
  queue: (batch, env) => consume(batch, env),
  scheduled: async ({ scheduledTime }, env) => {
    const done = await Promise.allSettled([sweep(env, scheduledTime), purgeExpired(env, scheduledTime)]);
    for (const { reason } of done.filter((each) => each.status === "rejected")) {
      log("error", "a part of the sweep failed; it is tried again in a minute", { error: reason });
    }
  },
} satisfies ExportedHandler<Env>;
