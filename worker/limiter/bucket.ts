/** A token bucket: `capacity` tokens at most, refilled evenly. Times in milliseconds. */
export interface Bucket {
  tokens: number;
  at: number;
}

export interface BucketRule {
  capacity: number;
  /** How long an empty bucket takes to be full again. */
  refillMs: number;
}

/** What one request was told. */
export interface Allowance {
  allowed: boolean;
  limit: number;
  /** Whole requests left now. */
  remaining: number;
  /** Until the bucket is full again. */
  resetMs: number;
  /** Until one more request is allowed; 0 when this one was. */
  retryAfterMs: number;
}

/** Takes one token if there is one. A clock that went back refills nothing. */
export function takeToken(
  bucket: Bucket | undefined,
  rule: BucketRule,
  now: number,
): { bucket: Bucket; allowance: Allowance } {
  const tokens = refilled(bucket, rule, now);
  const allowed = tokens >= 1;
  const left = allowed ? tokens - 1 : tokens;
  const msPerToken = rule.refillMs / rule.capacity;
  return {
    bucket: { tokens: left, at: now },
    allowance: {
      allowed,
      limit: rule.capacity,
      remaining: Math.floor(left),
      resetMs: Math.ceil((rule.capacity - left) * msPerToken),
      retryAfterMs: allowed ? 0 : Math.ceil((1 - left) * msPerToken),
    },
  };
}

/** Tokens in the bucket by now; an unknown bucket is full. */
export function refilled(bucket: Bucket | undefined, rule: BucketRule, now: number): number {
  if (!bucket) return rule.capacity;
  const elapsed = Math.max(0, now - bucket.at);
  return Math.min(rule.capacity, bucket.tokens + (elapsed * rule.capacity) / rule.refillMs);
}
