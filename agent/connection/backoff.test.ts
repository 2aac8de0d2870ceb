import { describe, expect, it } from "vitest";
import { RECONNECT_MAX_MS, RECONNECT_UPGRADE_MS } from "#protocol/limits.ts";
import { type Ending, planRetry } from "./backoff.ts";

const network: Ending = { type: "network", detail: "ECONNREFUSED" };
const refused = (status: number, retryAfterMs?: number): Ending => ({
  type: "refused",
  status,
  detail: `HTTP ${status}`,
  ...(retryAfterMs ? { retryAfterMs } : {}),
});
const closed = (code: number, settled: boolean): Ending => ({ type: "closed", code, reason: "", settled });

/** Ends the same way again and again; the longest and shortest pause of each try. */
function pauses(ending: Ending, tries: number): { least: number; most: number }[] {
  const all = [];
  let failures = 0;
  for (let i = 0; i < tries; i++) {
    const least = planRetry(ending, failures, 0);
    const most = planRetry(ending, failures, 1 - Number.EPSILON);
    all.push({ least: least.delayMs, most: Math.round(most.delayMs) });
    failures = most.failures;
  }
  return all;
}

describe("[HS4] reconnecting", () => {
  it("is full jitter under a cap that doubles from 1 s to 60 s and stays there", () => {
    const seen = pauses(network, 40);
    expect(seen.map(({ most }) => most).slice(0, 8)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
    ]);
    expect(seen.at(-1)?.most).toBe(RECONNECT_MAX_MS);
    expect(seen.every(({ least }) => least === 0)).toBe(true);
  });

  it("slows down at once for 401 and 403, and never stops", () => {
    for (const status of [401, 403]) {
      for (const { least, most } of pauses(refused(status), 1_000)) {
        expect(least).toBe(30_000);
        expect(most).toBe(60_000);
      }
    }
  });

  it.each([429, 503])(
    "waits at least as long as Retry-After of a %i says, and not all agents equally long",
    (status) => {
      expect(planRetry(refused(status, 7_000), 0, 0).delayMs).toBe(7_000);
      expect(planRetry(refused(status, 7_000), 3, 0.5).delayMs).toBe(11_000);
    },
  );

  it("does not believe a Retry-After of days", () => {
    expect(planRetry(refused(503, 10 * 24 * 3_600_000), 0, 0).delayMs).toBe(3_600_000);
  });

  it("starts from a short pause again after a connection that was welcomed", () => {
    expect(planRetry(closed(1006, true), 9, 0.5)).toMatchObject({ delayMs: 500, failures: 1 });
    expect(planRetry(closed(1012, true), 9, 0.5)).toMatchObject({ delayMs: 500, failures: 1 });
    expect(planRetry({ type: "silent" }, 9, 0.5)).toMatchObject({ delayMs: 500, failures: 1 });
  });

  it("does not hammer a peer that welcomes it and then breaks the protocol each time", () => {
    expect(pauses(closed(4400, true), 7).at(-1)?.most).toBe(60_000);
  });

  it("does not fight over an identity that connected from elsewhere, or was revoked", () => {
    expect(planRetry(closed(4409, true), 0, 0).delayMs).toBe(30_000);
    expect(planRetry(closed(4403, true), 0, 0).delayMs).toBe(30_000);
  });

  it("keeps retrying what is not a control plane", () => {
    const portal: Ending = { type: "foreign", status: 200, detail: "HTML" };
    expect(pauses(portal, 10).at(-1)?.most).toBe(60_000);
  });
});

it("[HS1] waits minutes after a version refusal, on the socket or on the upgrade", () => {
  for (const ending of [closed(4426, false), refused(426)]) {
    const seen = pauses(ending, 3);
    expect(seen[0]).toEqual({ least: RECONNECT_UPGRADE_MS, most: RECONNECT_UPGRADE_MS * 1.2 });
    expect(seen[2]?.least).toBe(RECONNECT_UPGRADE_MS);
  }
});
