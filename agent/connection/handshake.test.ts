import { createPublicKey } from "node:crypto";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { expect, it } from "vitest";
import { generateKeyPair } from "../identity.ts";
import { endingOf, parseRetryAfter, signAssertion } from "./handshake.ts";

it("[HS2] signs an assertion for one path, for 60 s, with an id of its own", async () => {
  const keys = generateKeyPair();
  const signer = { agentId: "agt_1", url: "https://farhand.example.com", privateKey: keys.privateKey };
  const now = Date.now();
  const tokens = await Promise.all([1, 2].map(() => signAssertion(signer, "/agent/v1/control", now)));
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: keys.publicKey }, format: "jwk" });
  const ids = new Set<unknown>();
  for (const token of tokens) {
    const { payload } = await jwtVerify(token, key, {
      subject: "agt_1",
      audience: "https://farhand.example.com/agent/v1/control",
    });
    expect(decodeProtectedHeader(token).alg).toBe("EdDSA");
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
    expect(Buffer.from(String(payload.jti), "base64url")).toHaveLength(16);
    ids.add(payload.jti);
  }
  expect(ids.size).toBe(2);
});

it("[HS4] tells a captive portal and a redirect from a refusal", () => {
  const answer = (statusCode: number, headers = {}) => endingOf({ statusCode, headers });
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

it("[HS4] reads Retry-After as seconds or as a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(parseRetryAfter("30", now)).toBe(30_000);
  expect(parseRetryAfter("Thu, 01 Jan 2026 00:01:00 GMT", now)).toBe(60_000);
  expect(parseRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
  expect(parseRetryAfter("soon", now)).toBeUndefined();
  expect(parseRetryAfter(undefined, now)).toBeUndefined();
});
