import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, it } from "vitest";
import { ROOT } from "./lib/paths.ts";

/** A clone in which nothing was installed, nor can be: there is no lockfile. */
const clone = mkdtempSync(join(tmpdir(), "farhand-clone-"));
cpSync(join(ROOT, "scripts"), join(clone, "scripts"), { recursive: true });
afterAll(() => rmSync(clone, { recursive: true }));

const run = (...args: string[]) =>
  execa(process.execPath, [join(clone, "scripts/bootstrap.mjs"), ...args], { reject: false });

it.each(["start", "dev", "build", "check", "test"])(
  "answers npm run %s --help before it installs",
  async (name) => {
    const { exitCode, stdout } = await run(name, "--help");
    expect([exitCode, stdout.split("\n")[0]]).toEqual([0, expect.stringMatching(`^npm (run )?${name}`)]);
    expect(existsSync(join(clone, "node_modules"))).toBe(false);
  },
);

it.each([
  [["start", "--frob"], "--frob"],
  [["start", "--port", "x"], "--port must be a number"],
  [["start", "--data="], "--data must name a folder"],
  [["check", "extra"], "extra"],
  [["build", "--once"], "--once"],
])("refuses %j before it installs", async (args, words) => {
  const { exitCode, stderr } = await run(...args);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(words)]);
  expect(existsSync(join(clone, "node_modules"))).toBe(false);
});
