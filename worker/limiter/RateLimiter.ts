import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import { type Allowance, type Bucket, type BucketRule, refilled, takeToken } from "./bucket.ts";

/** Above this many buckets, those that are full again are forgotten. */
const PRUNE_ABOVE = 10_000;

/**
 * The token buckets of one organization, by principal (or of one address,
 * for callers without an account). They live in memory only: the platform
 * drops an idle object about as fast as a bucket refills, so writing them to
 * disk would cost every request and change next to nothing.
 */
export class RateLimiter extends DurableObject<Env> {
  readonly #buckets = new Map<string, { bucket: Bucket; rule: BucketRule }>();

  take(principal: string, rule: BucketRule): Allowance {
    const now = Date.now();
    const { bucket, allowance } = takeToken(this.#buckets.get(principal)?.bucket, rule, now);
    this.#buckets.set(principal, { bucket, rule });
    if (this.#buckets.size > PRUNE_ABOVE) this.#prune(now);
    return allowance;
  }

  #prune(now: number): void {
    for (const [principal, { bucket, rule }] of this.#buckets) {
      if (refilled(bucket, rule, now) >= rule.capacity) this.#buckets.delete(principal);
    }
  }
}
