import { expect, it } from "vitest";
import { endingOf, parseRetryAfter, serverTimeOf } from "./refusal.ts";

it("[HS4] tells a captive portal and a redirect from a refusal", () => {
  const answer = (status: number, headers = {}, body = "") => endingOf({ status, headers, body }, 0);
  expect(answer(200, { "content-type": "text/html" })).toMatchObject({ type: "foreign" });
  expect(answer(302, { location: "http://portal.example/login" })).toMatchObject({
    type: "foreign",
    detail: expect.stringContaining("http://portal.example/login"),
  });
  expect(answer(503, { "retry-after": "12" })).toMatchObject({
    type: "refused",
    status: 503,
    retryAfterMs: 12_000,
  });
  expect(answer(401)).toMatchObject({ type: "refused", detail: expect.stringContaining("clock") });
});

it("[HS4] [fault 21] tells a request that lost its Upgrade on the way from one with another version", () => {
  const problem = { type: "about:blank", title: "x", status: 426, detail: "Why.", requestId: "req_1" };
  const answer = (code: string) =>
    endingOf({ status: 426, headers: {}, body: JSON.stringify({ ...problem, code }) }, 0);
  expect(answer("upgrade_required")).toMatchObject({
    type: "foreign",
    detail: expect.stringContaining("removed the Upgrade header"),
  });
  expect(answer("version_unsupported")).toMatchObject({ type: "refused", detail: "HTTP 426: Why." });
  expect(answer("anything")).toMatchObject({ type: "refused", detail: expect.stringContaining("version") });
});

it("[HS4] reads Retry-After as seconds or as a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(parseRetryAfter("30", now)).toBe(30_000);
  expect(parseRetryAfter("Thu, 01 Jan 2026 00:01:00 GMT", now)).toBe(60_000);
  expect(parseRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
  expect(parseRetryAfter("soon", now)).toBeUndefined();
  expect(parseRetryAfter(undefined, now)).toBeUndefined();
});

it("shows the reason that a control plane gives, and no page of anybody else", () => {
  const problem = {
    ...{ type: "about:blank", title: "x", status: 403, requestId: "req_1" },
    ...{ code: "agent_revoked", detail: "This agent was revoked by Ada." },
  };
  const words = (body: string) => endingOf({ status: 403, headers: {}, body }, 0);
  expect(words(JSON.stringify(problem))).toMatchObject({
    detail: "HTTP 403: This agent was revoked by Ada.",
  });
  expect(words("<html>Forbidden</html>")).toMatchObject({
    detail: expect.stringMatching(/^HTTP 403: .*enroll/),
  });
});

it("[G12] reads the server's clock from its answer", () => {
  const answer = (date?: string) => serverTimeOf({ status: 401, headers: { date }, body: "" });
  expect(answer("Thu, 01 Jan 1970 00:01:00 GMT")).toBe(60_000);
  expect(answer("yesterday")).toBeUndefined();
  expect(answer()).toBeUndefined();
});
