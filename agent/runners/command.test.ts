import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { findInterpreter } from "./command.ts";
import { RunnerRefusal } from "./refusal.ts";

const folder = mkdtempSync(join(tmpdir(), "farhand-interpreter-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("finds an interpreter on the path of steps, not on the agent's", () => {
  expect(findInterpreter("sh")).toMatch(/\/sh$/);
});

it("refuses in words when the host has no such interpreter", () => {
  expect(() => findInterpreter("bash", `${folder}:/nowhere`)).toThrow(RunnerRefusal);
  expect(() => findInterpreter("bash", folder)).toThrow(/no bash in .*install it/);
});

it("notices an interpreter that comes, goes, or loses its execute bit", () => {
  const path = join(folder, "bash");
  writeFileSync(path, "#!/bin/sh\n", { mode: 0o755 });
  expect(findInterpreter("bash", folder)).toBe(path);
  chmodSync(path, 0o644);
  // Root may execute nothing without an x bit either.
  expect(() => findInterpreter("bash", folder)).toThrow(RunnerRefusal);
});
