import { expect, test } from "vitest";
import { sha256Hex } from "#protocol/digest.ts";
import { mintSecret, secretHash } from "./secrets.ts";

test("[S2] a key has at least 160 random bits and a checksum, and its hash is SHA-256", async () => {
  const { secret, hash, hint } = await mintSecret("apiKey");
  expect(secret).toMatch(/^fh_live_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}$/);
  expect(32 * Math.log2(62)).toBeGreaterThan(160);
  expect(hash).toBe(await sha256Hex(secret));
  expect(await secretHash("apiKey", secret)).toBe(hash);
  expect(secret.startsWith(hint)).toBe(true);
  expect(hint).toHaveLength("fh_live_".length + 4);
});

test("[S2] every single changed character is noticed by the checksum", async () => {
  const { secret } = await mintSecret("apiKey");
  for (let at = "fh_live_".length; at < secret.length; at++) {
    if (secret[at] === "_") continue;
    const other = secret[at] === "a" ? "b" : "a";
    expect(await secretHash("apiKey", secret.slice(0, at) + other + secret.slice(at + 1))).toBeNull();
  }
});

test("[S2] a secret of one kind is none of another, and no two are alike", async () => {
  const { secret } = await mintSecret("joinToken");
  expect(await secretHash("apiKey", secret)).toBeNull();
  expect(await secretHash("joinToken", secret)).not.toBeNull();
  const many = await Promise.all(Array.from({ length: 200 }, () => mintSecret("apiKey")));
  expect(new Set(many.map((each) => each.secret)).size).toBe(200);
});

test.each(["", "fh_live_", "fh_live_x_y", `fh_live_${"a".repeat(32)}`, " ", "\0"])(
  "text that is no key has no hash: %j",
  async (text) => {
    expect(await secretHash("apiKey", text)).toBeNull();
  },
);
