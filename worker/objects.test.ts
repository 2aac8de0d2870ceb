import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError } from "./errors.ts";
import { callObject } from "./objects.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What the platform throws: an error with flags on it. */
const platformError = (flags: Record<string, boolean>) => Object.assign(new Error("platform"), flags);

/** Calls an object that fails with these errors in turn, then answers; tells the outcome and how many stubs it took. */
async function callWith(...errors: Error[]) {
  let stubs = 0;
  const outcome = callObject(
    () => ++stubs,
    async (stub) => {
      const error = errors[stub - 1];
      if (error) throw error;
      return "answer";
    },
  ).catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  return { outcome: await outcome, stubs };
}

describe("a call to an object", () => {
  test("that fails in passing is repeated, each time with a stub of its own", async () => {
    const retryable = platformError({ retryable: true });
    expect(await callWith(retryable, platformError({ durableObjectReset: true }))).toEqual({
      outcome: "answer",
      stubs: 3,
    });
  });

  test("that goes on failing is a 503 that says when to come back", async () => {
    const errors = Array.from({ length: 9 }, () => platformError({ retryable: true }));
    const { outcome, stubs } = await callWith(...errors);
    expect(outcome).toBeInstanceOf(ApiError);
    expect(outcome).toMatchObject({ code: "unavailable", headers: { "retry-after": "1" } });
    expect(stubs).toBe(3);
  });

  test("that is overloaded is never repeated", async () => {
    const { outcome, stubs } = await callWith(platformError({ overloaded: true, retryable: true }));
    expect(outcome).toMatchObject({ code: "unavailable" });
    expect(stubs).toBe(1);
  });

  test("that the object itself refuses is neither repeated nor dressed up", async () => {
    const bug = new TypeError("a mistake of ours");
    expect(await callWith(bug)).toEqual({ outcome: bug, stubs: 1 });
  });
});
