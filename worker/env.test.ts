import { expect, test } from "vitest";
import { readSettings } from "./env.ts";

const GOOD = { AUTH_SECRET: "x".repeat(32), PUBLIC_URL: "https://farhand.example.com/" };

test("settings that are fine become an origin, a secret and a limit", () => {
  expect(readSettings(GOOD)).toEqual({
    ok: true,
    settings: {
      authSecret: GOOD.AUTH_SECRET,
      publicOrigin: "https://farhand.example.com",
      rateLimitPerMinute: 1200,
      webhooksToLoopback: false,
    },
  });
  const more = readSettings({ ...GOOD, RATE_LIMIT_PER_MINUTE: "90", CLIENT_ADDRESS_HEADER: "X-Real-IP" });
  expect(more.ok && more.settings).toMatchObject({
    rateLimitPerMinute: 90,
    clientAddressHeader: "x-real-ip",
  });
});

test.each([
  [{ AUTH_SECRET: undefined }, "AUTH_SECRET is missing"],
  [{ AUTH_SECRET: "short" }, "AUTH_SECRET is too short"],
  [{ PUBLIC_URL: undefined }, "PUBLIC_URL is missing"],
  [{ PUBLIC_URL: "farhand.example.com" }, "PUBLIC_URL must be an http or https address"],
  [{ PUBLIC_URL: "ftp://farhand.example.com" }, "PUBLIC_URL must be an http or https address"],
  [{ RATE_LIMIT_PER_MINUTE: "lots" }, "RATE_LIMIT_PER_MINUTE must be a whole number"],
  [{ CLIENT_ADDRESS_HEADER: "not a header" }, "CLIENT_ADDRESS_HEADER must be the name of a header"],
  [{ RELEASE_KEY: "-----BEGIN PUBLIC KEY-----" }, "RELEASE_KEY must be an Ed25519 public key"],
  [{ WEBHOOKS_TO_LOOPBACK: "yes" }, "WEBHOOKS_TO_LOOPBACK must be true or false"],
  [{ RATE_LIMIT_PER_MINUTE: "1" }, "RATE_LIMIT_PER_MINUTE must be at least 2"],
])("a setting that is wrong is named: %j", (wrong, words) => {
  const check = readSettings({ ...GOOD, ...wrong });
  expect(check.ok).toBe(false);
  expect(!check.ok && check.problems.join()).toContain(words);
});

test("everything that is missing is told at once", () => {
  const check = readSettings({});
  expect(!check.ok && check.problems).toHaveLength(2);
});
