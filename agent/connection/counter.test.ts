import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ConnectCounter } from "./counter.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhand-counter-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("[HS5] gives each number once, also after a crash, and has it on disk before", () => {
  const path = join(folder, "connects");
  let last = 0;
  for (const uses of [1, 63, 64, 65, 200]) {
    const counter = ConnectCounter.open(path);
    for (let i = 0; i < uses; i++) {
      const next = counter.next();
      expect(next).toBeGreaterThan(last);
      expect(Number(readFileSync(path, "latin1"))).toBeGreaterThanOrEqual(next);
      last = next;
    }
  }
});

it("[HS5] goes on from what was taken when the disk fails, and starts nowhere else when it is damaged", () => {
  const path = join(folder, "connects");
  const counter = ConnectCounter.open(path);
  expect(counter.next()).toBe(1);
  rmSync(folder, { recursive: true });
  for (let i = 2; i <= 64; i++) expect(counter.next()).toBe(i);
  expect(() => counter.next()).toThrow("ENOENT");
  folder = mkdtempSync(join(tmpdir(), "farhand-counter-"));
  for (const text of ["", "12", "x".repeat(17)]) {
    writeFileSync(join(folder, "connects"), text);
    expect(() => ConnectCounter.open(join(folder, "connects"))).toThrow("enroll again");
  }
});
