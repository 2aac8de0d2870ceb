/**
 * The worker with a counter around its bindings, for the bench alone: what is
 * deployed knows nothing of it. `GET /api/bench/calls` says what was called since
 * `DELETE /api/bench/calls`.
 */

import type { Env } from "../../../worker/env.ts";
import worker, {
  OutboundBreakers as Breakers,
  ExecutionCoordinator as Coordinator,
  OrganizationFeed as Feed,
  RateLimiter as Limiter,
  OrganizationLocks as Locks,
  AgentPool as Pool,
} from "../../../worker/index.ts";
import { counted, forgetCalls, note, takeCalls } from "./counter.ts";

export class ExecutionCoordinator extends Coordinator {
  constructor(state: DurableObjectState, env: Env) {
    super(state, counted(env, "ExecutionCoordinator"));
  }

  override onMessage(...args: Parameters<Coordinator["onMessage"]>): void {
    note("ExecutionCoordinator", "message", "WebSocket message");
    super.onMessage(...args);
  }

  override onAlarm(): void {
    note("ExecutionCoordinator", "alarm", "alarm");
    super.onAlarm();
  }
}

export class AgentPool extends Pool {
  constructor(state: DurableObjectState, env: Env) {
    super(state, counted(env, "AgentPool"));
  }

  override onMessage(...args: Parameters<Pool["onMessage"]>): void {
    note("AgentPool", "message", "WebSocket message");
    super.onMessage(...args);
  }

  override onAlarm(): void {
    note("AgentPool", "alarm", "alarm");
    super.onAlarm();
  }
}

export class OrganizationFeed extends Feed {
  constructor(state: DurableObjectState, env: Env) {
    super(state, counted(env, "OrganizationFeed"));
  }
}

export class RateLimiter extends Limiter {
  constructor(state: DurableObjectState, env: Env) {
    super(state, counted(env, "RateLimiter"));
  }
}

export class OrganizationLocks extends Locks {
  constructor(state: DurableObjectState, env: Env) {
    super(state, counted(env, "OrganizationLocks"));
  }
}

export class OutboundBreakers extends Breakers {
  constructor(state: DurableObjectState, env: Env) {
    super(state, counted(env, "OutboundBreakers"));
  }
}

export default {
  fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/bench/calls") {
      if (request.method === "DELETE") forgetCalls();
      return Response.json(takeCalls());
    }
    const from = pathname.startsWith("/agent/") ? "agent's request" : "API request";
    return worker.fetch(request, counted(env, from), context);
  },
  queue: (batch, env) => worker.queue(batch, counted(env, "notifications")),
} satisfies ExportedHandler<Env>;
