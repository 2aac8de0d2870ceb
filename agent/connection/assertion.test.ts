import { createPublicKey } from "node:crypto";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { expect, it } from "vitest";
import { generateKeyPair } from "../identity.ts";
import { signAssertion } from "./assertion.ts";

it("[HS2] signs an assertion for one path, for 60 s, with an id of its own", async () => {
  const keys = generateKeyPair();
  const signer = { agentId: "agt_1", url: "https://farhand.example.com", privateKey: keys.privateKey };
  const now = Date.now();
  const tokens = [1, 2].map(() => signAssertion(signer, "/agent/v1/control", now));
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
