/** Whether a request may go on, and the headers that say how many more may. */
import type { AppContext } from "../context.ts";
import { ApiError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { log } from "../log.ts";
import type { Allowance, BucketRule } from "./bucket.ts";

const MINUTE_MS = 60_000;

/** Attempts to log in or sign up from one address. */
const SIGN_IN_RULE: BucketRule = { capacity: 20, refillMs: MINUTE_MS };
/** Attempts on one account from one address; never on an account alone, or anybody could lock its owner out. */
const SIGN_IN_ACCOUNT_RULE: BucketRule = { capacity: 6, refillMs: MINUTE_MS };

/** Asks for one request of this caller. The answer is kept for the response's headers. */
export function askForCaller(c: AppContext, caller: Caller): Promise<Allowance> {
  const rule = { capacity: c.var.settings.rateLimitPerMinute, refillMs: MINUTE_MS };
  return ask(c, caller.organization.id, `${caller.actor.type}:${caller.actor.id}`, rule);
}

/** Asks for one request without a caller: by address, at half. */
export function askForAnonymous(c: AppContext): Promise<Allowance> {
  const rule = { capacity: Math.floor(c.var.settings.rateLimitPerMinute / 2), refillMs: MINUTE_MS };
  return ask(c, anonymousObject(c), "requests", rule);
}

/** Asks for one attempt to log in. @throws ApiError `rate_limited` */
export async function admitSignIn(c: AppContext, email: string): Promise<void> {
  admit(await ask(c, anonymousObject(c), "sign-in", SIGN_IN_RULE));
  admit(await ask(c, anonymousObject(c), `sign-in:${email.toLowerCase()}`, SIGN_IN_ACCOUNT_RULE));
}

/** Lets the request go on, or ends it. @throws ApiError `rate_limited` */
export function admit(allowance: Allowance): void {
  if (allowance.allowed) return;
  const seconds = Math.max(1, Math.ceil(allowance.retryAfterMs / 1000));
  throw new ApiError("rate_limited", `Too many requests. Try again in ${seconds} s.`, {
    headers: { "retry-after": String(seconds) },
  });
}

/** `X-RateLimit-*`; Reset is in seconds from now, until the full limit is there again. */
export function rateLimitHeaders(allowance: Allowance): Record<string, string> {
  return {
    "x-ratelimit-limit": String(allowance.limit),
    "x-ratelimit-remaining": String(allowance.remaining),
    "x-ratelimit-reset": String(Math.ceil(allowance.resetMs / 1000)),
  };
}

function ask(c: AppContext, object: string, principal: string, rule: BucketRule): Promise<Allowance> {
  const allowance = take(c, object, principal, rule);
  c.set("allowance", allowance);
  return allowance;
}

/** A limiter that cannot answer stops nobody. */
async function take(c: AppContext, object: string, principal: string, rule: BucketRule): Promise<Allowance> {
  try {
    return await c.env.RATE_LIMITER.getByName(object).take(principal, rule);
  } catch (error) {
    log("warn", "rate limiter did not answer", { requestId: c.var.requestId, error });
    return { allowed: true, limit: rule.capacity, remaining: rule.capacity, resetMs: 0, retryAfterMs: 0 };
  }
}

/** Whose limits a caller without an account shares: those of its address, if somebody vouches for that. */
function anonymousObject(c: AppContext): string {
  const header = c.var.settings.clientAddressHeader;
  return `anonymous/${(header && c.req.header(header)) ?? "unknown"}`;
}
