import { calculateJwkThumbprint, compactVerify, importJWK } from "jose";
import { describe, expect, it } from "vitest";
import { newId } from "../ids.ts";
import { readSignature, signStatement } from "./jws.ts";
import { algorithmOf, jwkOf, publicKeyOf, publicKeySchema, thumbprintOf } from "./keys.ts";
import type { Statement } from "./statements.ts";
import { generateSigningKey, isSignedBy, signerOf } from "./webCrypto.ts";

const statement: Statement = {
  type: "farhand.version.v1",
  organizationId: newId("organization"),
  runbookId: newId("runbook"),
  versionNumber: 3,
  versionHash: "ab".repeat(32),
  signedAt: 1_900_000_000_000,
};

describe.each(["EdDSA", "ES256"] as const)("[S6] a statement signed with %s", (algorithm) => {
  it("is read as what it is, and is its key's alone", async () => {
    const pair = await generateSigningKey(algorithm);
    const other = await generateSigningKey(algorithm);
    expect(pair.privateKey.extractable).toBe(false);
    expect(algorithmOf(pair.publicKey)).toBe(algorithm);
    const reading = readSignature(await signStatement(statement, signerOf(pair)));
    if (!reading.ok) throw new Error(reading.problem);
    expect(reading.read.statement).toEqual(statement);
    expect(await isSignedBy(reading.read, pair.publicKey)).toBe(true);
    expect(await isSignedBy(reading.read, other.publicKey)).toBe(false);
    const anotherKind = await generateSigningKey(algorithm === "EdDSA" ? "ES256" : "EdDSA");
    expect(await isSignedBy(reading.read, anotherKind.publicKey)).toBe(false);
  });

  it("is a JWS that other libraries verify, by a thumbprint that they agree on", async () => {
    const pair = await generateSigningKey(algorithm);
    const text = await signStatement(statement, signerOf(pair));
    const jwk = { ...jwkOf(pair.publicKey) };
    const { payload, protectedHeader } = await compactVerify(text, await importJWK(jwk, algorithm));
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(statement);
    expect(protectedHeader.kid).toBe(await calculateJwkThumbprint(jwk));
    expect(await thumbprintOf(pair.publicKey)).toBe(protectedHeader.kid);
  });
});

describe("[S6] a public key", () => {
  it("has one spelling", () => {
    const x = `${"A".repeat(42)}A`;
    expect(publicKeySchema.safeParse(`ed25519:${x}`).success).toBe(true);
    // Its last character has bits that no key has.
    expect(publicKeySchema.safeParse(`ed25519:${"A".repeat(42)}B`).success).toBe(false);
    expect(publicKeySchema.safeParse(`p256:${x}`).success).toBe(false);
    expect(publicKeyOf({ kty: "OKP", crv: "X25519", x })).toBeUndefined();
    expect(publicKeyOf({ kty: "oct" })).toBeUndefined();
  });
});
