import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { silentLog } from "../testing/silent-log.ts";
import { GATHER_MS, Leaving } from "./leaving.ts";

let root: string;
let clock: ManualClock;
let leaving: Leaving;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "farhand-leaving-"));
  clock = new ManualClock();
  leaving = new Leaving({ root, clock, log: silentLog });
});
afterEach(() => rmSync(root, { recursive: true }));

function fill(name: string): void {
  mkdirSync(join(root, name, "work"), { recursive: true });
  writeFileSync(join(root, name, "work/note"), name);
}

it("takes the names at once, and removes all that are over together", async () => {
  for (const name of ["one", "two", "three"]) fill(name);
  for (const name of ["one", "two"]) leaving.add(name);
  const [gathered = "", ...others] = readdirSync(root);
  expect(others).toEqual(["three"]);
  expect(readdirSync(join(root, gathered))).toHaveLength(2);
  await clock.advance(GATHER_MS - 1);
  expect(readdirSync(join(root, gathered))).toHaveLength(2);
  await clock.advance(1);
  await expect.poll(() => readdirSync(root)).toEqual(["three"]);
  expect(clock.pending).toBe(0);
});

it("takes the same name again, and gathers anew after a removal", async () => {
  for (let times = 0; times < 2; times++) {
    fill("one");
    leaving.add("one");
  }
  await leaving.removeNow();
  expect(readdirSync(root)).toEqual([]);
  fill("one");
  leaving.add("one");
  await clock.advance(GATHER_MS);
  await expect.poll(() => readdirSync(root)).toEqual([]);
});

it("starts nothing where there is no such folder", async () => {
  leaving.add("none");
  expect(readdirSync(root)).toEqual([]);
  expect(clock.pending).toBe(0);
  await leaving.removeNow();
});
