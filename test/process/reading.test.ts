/** What a command is given to read may be far too large, or have no end. */
import { execFileSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { agentCommand, prepareAgent, site } from "./harness.ts";

prepareAgent();

/** A file of nothing but zeros. */
function sparse(path: string, mebibytes: number): string {
  writeFileSync(path, "", { mode: 0o600 });
  truncateSync(path, mebibytes * 1024 * 1024);
  return path;
}

describe("what is too large is not read to its end, and the message says how large it may be", () => {
  const release = ["--key", `MCowBQYDK2VwAyEA${"A".repeat(43)}=`, "--manifest"];
  it.each<[string, (file: string) => string[], RegExp]>([
    ["a plan", (file) => ["policy", "check", file], /the plan .* is over 32 MiB/],
    [
      "a policy",
      (file) => ["policy", "check", "--policy", file, "--own-policy"],
      /the policy .* is over 256 KiB/,
    ],
    ["a file of providers", (file) => ["secrets", "list", "--secrets", file], /\/large is over 256 KiB/],
    [
      "certificates",
      (file) => ["enroll", "--url", "https://localhost", "--token", "t", "--ca", file],
      /the file of certificates .* is over 1 MiB/,
    ],
    [
      "a list of a release",
      (file) => ["verify-release", ...release, file, "--signature", file],
      /is over 1 (KiB|MiB)/,
    ],
  ])("%s", async (_, words, message) => {
    const { path, state } = await site();
    const args = words(sparse(path("large"), 3_000));
    const { code, stderr } = await agentCommand([...args, "--state", state]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^farhand-agent: [^\n]+\n$/);
    expect(code).toBe(2);
  });

  it("a plan and a secret that come through stdin", async () => {
    const { state } = await site();
    const much = " ".repeat(33 * 1024 * 1024);
    const plan = await agentCommand(["policy", "check", "-", "--state", state], {}, much);
    expect(plan).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("the plan from stdin is over 32 MiB"),
    });
    const secret = await agentCommand(["secrets", "set", "one", "--state", state], {}, much);
    expect(secret).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("the value is over 64 KiB, the most that is read: give a smaller one"),
    });
  });
});

it("what has no end is not read for ever, and a pipe is read", async () => {
  const { path, state } = await site();
  const endless = await agentCommand(["policy", "check", "/dev/zero", "--state", state]);
  expect(endless).toMatchObject({ code: 2, stderr: expect.stringContaining("is over 32 MiB") });
  execFileSync("mkfifo", [path("pipe")]);
  const written = writeFile(path("pipe"), "{}");
  const piped = await agentCommand(["policy", "check", path("pipe"), "--state", state]);
  await written;
  expect(piped).toMatchObject({ code: 2, stderr: expect.stringContaining("holds no plan") });
});
