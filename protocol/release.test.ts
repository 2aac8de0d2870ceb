import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it, test } from "vitest";
import { sha256Hex } from "./digest.ts";
import { checkRelease, compareVersions, misfit, type Release, releaseText } from "./release.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const spki = publicKey.export({ format: "der", type: "spki" }).toString("base64");
  return { spki, sign: (text: string) => new Uint8Array(sign(null, bytes(text), privateKey)) };
};

const key = pair();
const release: Release = {
  product: "farhand-agent",
  version: "1.4.0",
  artifacts: [{ name: "install.sh", size: 2, sha256: await sha256Hex("hi") }],
};
const text = releaseText(release);

describe("[S17] a release", () => {
  it("is what the key has signed", async () => {
    expect(await checkRelease(bytes(text), key.sign(text), key.spki)).toEqual({ ok: true, release });
  });

  it.each([
    ["by another key", text, pair().sign(text), key.spki],
    ["changed afterwards", text.replace("1.4.0", "1.5.0"), key.sign(text), key.spki],
    ["with a cut signature", text, key.sign(text).slice(0, 63), key.spki],
    ["without a signature", text, new Uint8Array(), key.spki],
    ["against a key that is none", text, key.sign(text), "not a key"],
    ["against no key", text, key.sign(text), ""],
  ])("is refused %s", async (_, manifest, signature, spki) => {
    const check = await checkRelease(bytes(manifest), signature, spki);
    expect(check).toEqual({ ok: false, reason: "its signature is not from the release key" });
  });

  it.each([
    ["of something else", text.replace("farhand-agent", "another")],
    ["with a path for a name", text.replace("install.sh", "../install.sh")],
    ["with words for a digest", text.replace(/[0-9a-f]{64}/, "unknown")],
    ["that is no JSON", "hello"],
  ])("is refused when a list is signed %s", async (_, manifest) => {
    const check = await checkRelease(bytes(manifest), key.sign(manifest), key.spki);
    expect(check).toEqual({ ok: false, reason: "it is signed, and yet not a list of a release's files" });
  });

  it("knows its files by their digest", async () => {
    expect(await misfit(release, "install.sh", bytes("hi"))).toBeUndefined();
    expect(await misfit(release, "install.sh", bytes("ho"))).toMatch("not the file that release 1.4.0 lists");
    expect(await misfit(release, "install.sh", bytes("hi!"))).toMatch("not the file");
    expect(await misfit(release, "other", bytes("hi"))).toBe("release 1.4.0 has no other");
  });
});

test("[S17] versions stand in the order of semantic versions", () => {
  const ordered = ["0.9.9", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-rc", "1.0.0-rc.1", "1.0.0", "1.0.10"];
  for (const [index, version] of ordered.entries()) {
    expect(compareVersions(version, version)).toBe(0);
    for (const newer of ordered.slice(index + 1)) {
      expect([version, newer, Math.sign(compareVersions(version, newer))]).toEqual([version, newer, -1]);
      expect(Math.sign(compareVersions(newer, version))).toBe(1);
    }
  }
  expect(() => compareVersions("source", "1.0.0")).toThrow("not a version");
});
