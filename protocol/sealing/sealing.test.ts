import { Aes128Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { beforeAll, describe, expect, test } from "vitest";
import { type Secret, secretPutSchema } from "../api/secrets.ts";
import { fromBase64url, toBase64url } from "../base64url.ts";
import { hex } from "../digest.ts";
import { newId } from "../ids.ts";
import { jsonBytes } from "../json.ts";
import { REQUEST_MAX_BYTES } from "../limits.ts";
import { SECRET_MAX_BYTES } from "../secrets.ts";
import { ENVELOPES_MAX, type SealedEnvelope, sealedEnvelopeSchema } from "./envelope.ts";
import { isSignedByOwner, sealingFingerprint, sealingStatement } from "./keys.ts";
import { recipientOf, SEALED_AHEAD_MS, sealForAll } from "./recipients.ts";
import { openSecret, type SealedFor, sealSecret } from "./seal.ts";

const bytesOf = (text: string) =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const VALUE = new TextEncoder().encode("correct horse battery staple");
const to: SealedFor = { organizationId: newId("organization"), agentId: newId("agent"), name: "db-password" };
const VERSION = 1_700_000_000_000;

async function keyPair(algorithm: "X25519" | "Ed25519", usages: KeyUsage[]) {
  const pair = await crypto.subtle.generateKey(algorithm, true, usages);
  if (!("privateKey" in pair)) throw new Error("expected a pair");
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { privateKey: pair.privateKey, publicKey: toBase64url(raw) };
}

let own: Awaited<ReturnType<typeof keyPair>>;
let envelope: SealedEnvelope;
beforeAll(async () => {
  own = await keyPair("X25519", ["deriveBits"]);
  envelope = await sealSecret(to, own.publicKey, VALUE, VERSION);
});

test("what was sealed opens, and is in the form that the wire takes", async () => {
  expect(sealedEnvelopeSchema.parse(envelope)).toEqual(envelope);
  expect(envelope).toMatchObject({ version: VERSION, key: await sealingFingerprint(own.publicKey) });
  expect(await openSecret(to, own.privateKey, envelope)).toEqual(VALUE);
});

test("the library gives what RFC 9180 has in appendix A.1.1", async () => {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes128Gcm(),
  });
  const secret = bytesOf("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");
  const opened = await suite.open(
    {
      recipientKey: await suite.kem.deserializePrivateKey(secret),
      enc: bytesOf("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"),
      info: bytesOf("4f6465206f6e2061204772656369616e2055726e"),
    },
    bytesOf("f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"),
    bytesOf("436f756e742d30"),
  );
  expect(hex(new Uint8Array(opened))).toBe("4265617574792069732074727574682c20747275746820626561757479");
});

describe("[S18] an envelope opens for what it was sealed for, and nothing else", () => {
  test.each<[string, Partial<SealedFor>]>([
    ["another organization", { organizationId: newId("organization") }],
    ["another agent", { agentId: newId("agent") }],
    ["another name", { name: "db-passwore" }],
  ])("not for %s", async (_, change) => {
    expect(await openSecret({ ...to, ...change }, own.privateKey, envelope)).toBeUndefined();
  });

  test("not as a later version, and not with another key", async () => {
    expect(await openSecret(to, own.privateKey, { ...envelope, version: VERSION + 1 })).toBeUndefined();
    const other = await keyPair("X25519", ["deriveBits"]);
    expect(await openSecret(to, other.privateKey, envelope)).toBeUndefined();
  });

  test("not with any byte changed, cut off or put behind it", async () => {
    const bytes = fromBase64url(envelope.sealed) ?? new Uint8Array();
    const open = (changed: Uint8Array) =>
      openSecret(to, own.privateKey, { version: VERSION, sealed: toBase64url(changed) });
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.map((byte, index) => (index === at ? byte ^ 0x10 : byte));
      expect(await open(changed)).toBeUndefined();
    }
    for (const length of [0, 1, 31, 32, 47, 48, bytes.length - 1])
      expect(await open(bytes.subarray(0, length))).toBeUndefined();
    expect(await open(Uint8Array.from([...bytes, 0]))).toBeUndefined();
    expect(
      await openSecret(to, own.privateKey, { version: VERSION, sealed: "no base64url!" }),
    ).toBeUndefined();
  });
});

test("values of about the same length give envelopes of the same length, and each has its own bytes", async () => {
  const lengthOf = async (bytes: number) =>
    (await sealSecret(to, own.publicKey, new Uint8Array(bytes), 1)).sealed.length;
  expect(await lengthOf(8)).toBe(await lengthOf(256));
  expect(await lengthOf(257)).toBe(await lengthOf(512));
  const again = await sealSecret(to, own.publicKey, VALUE, VERSION);
  expect(again.sealed).not.toBe(envelope.sealed);
});

test("the longest value fits, and one that is longer is refused", async () => {
  const longest = new Uint8Array(SECRET_MAX_BYTES).fill(7);
  const sealed = await sealSecret(to, own.publicKey, longest, 1);
  expect(sealedEnvelopeSchema.safeParse(sealed).success).toBe(true);
  expect(await openSecret(to, own.privateKey, sealed)).toEqual(longest);
  await expect(sealSecret(to, own.publicKey, new Uint8Array(SECRET_MAX_BYTES + 1), 1)).rejects.toThrow(
    "too long",
  );
  const more = { ...sealed, sealed: `${sealed.sealed}AAAA` };
  expect(sealedEnvelopeSchema.safeParse(more).error?.issues[0]?.message).toContain("at most 64 KiB");
});

describe("[S18] a key to seal to", () => {
  const owner = { organizationId: to.organizationId, agentId: to.agentId };

  async function agentWith(identity: Awaited<ReturnType<typeof keyPair>>, publicKey: string, of = owner) {
    const signed = await crypto.subtle.sign("Ed25519", identity.privateKey, sealingStatement(of, publicKey));
    return {
      ...{ id: owner.agentId, name: "db-1", poolId: newId("pool"), poolName: "prod", labels: {} },
      ...{ fingerprint: "", publicKey: identity.publicKey, createdAt: "2026-01-01T00:00:00Z" },
      sealing: { publicKey, signature: toBase64url(new Uint8Array(signed)), fingerprint: "told" },
    };
  }

  test("is the agent's own when the agent has signed it, for itself and its organization", async () => {
    const identity = await keyPair("Ed25519", ["sign"]);
    const agent = await agentWith(identity, own.publicKey);
    expect(await recipientOf(owner.organizationId, agent)).toEqual({
      ok: true,
      recipient: {
        ...{ agentId: owner.agentId, name: "db-1", publicKey: own.publicKey },
        // Worked out, whatever was told.
        fingerprint: await sealingFingerprint(own.publicKey),
      },
    });
    const foreign = await keyPair("X25519", ["deriveBits"]);
    const swapped = { ...agent, sealing: { ...agent.sealing, publicKey: foreign.publicKey } };
    const { sealing: _, ...silent } = agent;
    for (const bad of [
      swapped,
      { ...agent, publicKey: (await keyPair("Ed25519", ["sign"])).publicKey },
      await agentWith(identity, own.publicKey, { ...owner, agentId: newId("agent") }),
      await agentWith(identity, own.publicKey, { ...owner, organizationId: newId("organization") }),
      silent,
    ]) {
      expect(await recipientOf(owner.organizationId, bad)).toMatchObject({ ok: false });
    }
  });

  test("is refused where it or its signature is nonsense", async () => {
    expect(await isSignedByOwner(owner, { publicKey: "x", signature: "y" }, "z")).toBe(false);
    expect(await isSignedByOwner(owner, { publicKey: own.publicKey, signature: "A".repeat(86) }, "AA")).toBe(
      false,
    );
    await expect(sealSecret(to, "AAAA", VALUE, 1)).rejects.toThrow("no X25519 key");
  });
});

describe("sealing for many", () => {
  const recipients = (count: number) =>
    Array.from({ length: count }, (_, n) => ({
      ...{ agentId: newId("agent"), name: `a${n}`, publicKey: own.publicKey, fingerprint: "" },
    }));

  test.each([
    ["many agents", ENVELOPES_MAX + 1, 20],
    ["long values", 13, SECRET_MAX_BYTES],
  ])("is in parts that the API takes, for %s", async (_, count, length) => {
    const all = recipients(count);
    const parts = await sealForAll(to, all, new Uint8Array(length), undefined, VERSION);
    expect(parts.flatMap((part) => Object.keys(part))).toEqual(all.map(({ agentId }) => agentId));
    expect(parts.length).toBe(2);
    for (const envelopes of parts) {
      expect(secretPutSchema.safeParse({ envelopes }).success).toBe(true);
      expect(jsonBytes({ envelopes })).toBeLessThanOrEqual(REQUEST_MAX_BYTES);
    }
  });

  test.each([
    ["nothing was", [], VERSION],
    ["somebody's clock was ahead", [VERSION + 5], VERSION + 6],
    ["the control plane tells of the far future", [VERSION + SEALED_AHEAD_MS], VERSION],
  ])("is later than what was sealed before, where %s", async (_, versions, expected) => {
    const deliveries = versions.map((version) => ({ version })) as Secret["deliveries"];
    const known = { name: "x", types: [], agents: [], deliveries };
    const [part] = await sealForAll(to, recipients(1), VALUE, known, VERSION);
    expect(Object.values(part ?? {})[0]?.version).toBe(expected);
  });
});
