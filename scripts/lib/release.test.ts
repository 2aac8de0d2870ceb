import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { checkRelease, misfit } from "#protocol/release.ts";
import { makeRelease, pinOf, releaseKey } from "./release.ts";

const folder = mkdtempSync(join(tmpdir(), "farhand-release-"));
afterAll(() => rmSync(folder, { recursive: true }));
const bytesOf = (path: string) => new Uint8Array(readFileSync(path));

it("[S17] a release lists and signs what is in it, and its agent knows the key", async () => {
  const { key, made } = await releaseKey(join(folder, "key.pem"));
  expect([made, statSync(join(folder, "key.pem")).mode & 0o777]).toEqual([true, 0o600]);
  expect(pinOf((await releaseKey(join(folder, "key.pem"))).key)).toBe(pinOf(key));
  const at = (name: string) => join(folder, "out", name);
  expect(await makeRelease({ key, version: "2.0.0", folder: join(folder, "out") })).toBe("2.0.0");
  const check = await checkRelease(bytesOf(at("release.json")), bytesOf(at("release.json.sig")), pinOf(key));
  if (!check.ok) throw new Error(check.reason);
  expect(check.release.artifacts.map(({ name }) => name)).toEqual([
    "farhand-agent-2.0.0-node.tar.gz",
    "farhand-agent.mjs",
    "install.sh",
    "sbom.cdx.json",
  ]);
  for (const { name } of check.release.artifacts) {
    expect(await misfit(check.release, name, bytesOf(at(name)))).toBeUndefined();
  }
  const verify = (...args: string[]) => {
    const files = ["--manifest", at("release.json"), "--signature", at("release.json.sig")];
    return execFileSync(process.execPath, [at("farhand-agent.mjs"), "verify-release", ...files, ...args], {
      encoding: "utf8",
      stdio: "pipe",
    });
  };
  expect(verify()).toBe("Release 2.0.0 is signed by the release key.\n");
  const other = pinOf((await releaseKey(join(folder, "other.pem"))).key);
  expect(() => verify("--key", other)).toThrow("its signature is not from the key given");
  expect(verify("--key", pinOf(key))).toBe("Release 2.0.0 is signed by the key given.\n");
  expect(() => verify("--key", "abc")).toThrow('"abc" is no release key');
});

it("takes no file for a key that is none", async () => {
  writeFileSync(join(folder, "not-a-key"), "hello");
  await expect(releaseKey(join(folder, "not-a-key"))).rejects.toThrow("not an Ed25519 private key");
  await expect(releaseKey(folder)).rejects.toThrow("cannot be read");
});
