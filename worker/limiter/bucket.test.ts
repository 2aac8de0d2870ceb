import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Bucket, takeToken } from "./bucket.ts";

const rule = { capacity: 3, refillMs: 3_000 };

function takeMany(count: number, now: number, from?: Bucket) {
  const allowances = [];
  let bucket = from;
  for (let i = 0; i < count; i++) {
    const taken = takeToken(bucket, rule, now);
    bucket = taken.bucket;
    allowances.push(taken.allowance);
  }
  return { bucket, allowances };
}

describe("token bucket", () => {
  test("a new caller may use the whole capacity at once, then is told when to come back", () => {
    const { allowances } = takeMany(4, 1_000);
    expect(allowances.map((each) => each.allowed)).toEqual([true, true, true, false]);
    expect(allowances.map((each) => each.remaining)).toEqual([2, 1, 0, 0]);
    expect(allowances[3]).toMatchObject({ limit: 3, retryAfterMs: 1_000, resetMs: 3_000 });
  });

  test("waiting what it was told is enough", () => {
    const { bucket, allowances } = takeMany(4, 1_000);
    const wait = allowances[3]?.retryAfterMs ?? 0;
    expect(takeToken(bucket, rule, 1_000 + wait - 1).allowance.allowed).toBe(false);
    expect(takeToken(bucket, rule, 1_000 + wait).allowance.allowed).toBe(true);
  });

  test("never fills beyond its capacity, and a clock that goes back gives nothing", () => {
    const { bucket } = takeMany(3, 1_000);
    expect(takeToken(bucket, rule, 1_000_000).allowance.remaining).toBe(2);
    expect(takeToken(bucket, rule, 0).allowance.allowed).toBe(false);
  });

  test("over any span no more is let through than the capacity and what was refilled", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 200 }), (gaps) => {
        let bucket: Bucket | undefined;
        let now = 0;
        let allowed = 0;
        for (const gap of gaps) {
          now += gap;
          const taken = takeToken(bucket, rule, now);
          bucket = taken.bucket;
          if (taken.allowance.allowed) allowed++;
        }
        expect(allowed).toBeLessThanOrEqual(rule.capacity + (now * rule.capacity) / rule.refillMs + 1e-6);
      }),
    );
  });
});
