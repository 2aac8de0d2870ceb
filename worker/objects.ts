/**
 * Calls to Durable Objects. Names are made here from the caller's own
 * organization; an object that is overloaded or restarting becomes a clear 503.
 */
import type { Env } from "./env.ts";
import { ApiError } from "./errors.ts";
import { type CoordinatorApi, coordinatorName } from "./execution/contract.ts";
import type { FeedApi } from "./feed/contract.ts";
import type { LocksApi } from "./locks/contract.ts";
import { type PoolApi, poolObjectName } from "./pool/contract.ts";

const ATTEMPTS = 3;
const RETRY_DELAY_MS = 50;

/** What every object takes: requests, for streams and WebSockets. */
export interface Fetches {
  fetch(request: Request): Promise<Response>;
}

/** Makes a stub for one attempt: after an exception a stub is broken, so each attempt has its own. */
export type StubOf<Api> = () => Api & Fetches;

export function coordinatorOf(env: Env, organizationId: string, executionId: string): StubOf<CoordinatorApi> {
  const name = coordinatorName(organizationId, executionId);
  // Said to the compiler by hand: blocks hold blocks, and the type of a stub unrolls what it passes on without end.
  const coordinators: { getByName(name: string): unknown } = env.EXECUTION_COORDINATOR;
  return () => coordinators.getByName(name) as Fetches & CoordinatorApi;
}

export function poolOf(env: Env, organizationId: string, poolId: string): StubOf<PoolApi> {
  return () => env.AGENT_POOL.getByName(poolObjectName(organizationId, poolId));
}

export function feedOf(env: Env, organizationId: string): StubOf<FeedApi> {
  return () => env.ORGANIZATION_FEED.getByName(organizationId);
}

export function locksOf(env: Env, organizationId: string): StubOf<LocksApi> {
  return () => env.ORGANIZATION_LOCKS.getByName(organizationId);
}

/**
 * Calls an object. Everything asked through here is safe to repeat, so a call
 * that the platform marks retryable is tried again, but never an overloaded one.
 * @throws ApiError `unavailable` when the object cannot answer now.
 */
export async function callObject<T, R>(stub: () => T, call: (stub: T) => Promise<R>): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(stub());
    } catch (error) {
      const { retryable, overloaded, durableObjectReset } = platformFlags(error);
      if (!retryable && !overloaded && !durableObjectReset) throw error;
      if (overloaded || attempt === ATTEMPTS) throw unavailable(error);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * RETRY_DELAY_MS * 2 ** attempt));
    }
  }
}

/**
 * Sends a request on to an object, for streams and WebSockets.
 * @throws ApiError `unavailable`, or `internal` when the object failed; it has logged why
 */
export async function fetchObject(
  stub: () => Fetches,
  pathAndQuery: string,
  init: RequestInit = {},
): Promise<Response> {
  const response = await callObject(stub, (object) =>
    object.fetch(new Request(`https://object${pathAndQuery}`, init)),
  );
  if (response.status < 500) return response;
  throw new ApiError(
    "internal",
    "Something went wrong on our side. If it stays, report it with the requestId.",
  );
}

function unavailable(cause: unknown): ApiError {
  return new ApiError("unavailable", "This part of the service is busy or restarting. Try again shortly.", {
    cause,
    headers: { "retry-after": "1" },
  });
}

function platformFlags(error: unknown) {
  const flag = (name: string) => error instanceof Error && name in error && Reflect.get(error, name) === true;
  return {
    retryable: flag("retryable"),
    overloaded: flag("overloaded"),
    durableObjectReset: flag("durableObjectReset"),
  };
}
