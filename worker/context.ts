import type { Context } from "hono";
import type { Env, Settings } from "./env.ts";
import type { Caller } from "./identity/caller.ts";
import type { Allowance } from "./limiter/bucket.ts";

/** What accompanies one request through the worker. */
export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    /** ms since the epoch */
    startedAt: number;
    settings: Settings;
    /** Absent until the request is authenticated, and for what is open to everybody. */
    caller?: Caller;
    /** What the rate limiter said; asked once a request. */
    allowance?: Promise<Allowance>;
  };
}

export type AppContext = Context<AppEnv>;

/** Lets work finish after the answer is sent; a failure is logged by whoever started the work. */
export function deferIn(c: AppContext): (work: Promise<unknown>) => void {
  return (work) => c.executionCtx.waitUntil(work);
}
