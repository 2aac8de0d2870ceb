import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { forgetSealed, sealedStore } from "./sealed.ts";
import { SealedVersions } from "./versions.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhand-sealed-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const NOW = 1_800_000_000_000;
const kept = { version: NOW, digest: "d", removed: false };

it("[S18] a secret may be called what every object of the language has", () => {
  const versions = new SealedVersions(folder);
  expect(versions.all().get("constructor")).toBeUndefined();
  expect(forgetSealed(folder, "constructor", NOW)).toBe(false);
  versions.note("db", kept, NOW);
  versions.note("constructor", kept, NOW);
  sealedStore(folder).set("constructor", Buffer.from("hunter2hunter2"));
  expect(forgetSealed(folder, "constructor", NOW)).toBe(true);
  expect([...versions.all()]).toEqual([
    ["db", kept],
    ["constructor", { ...kept, removed: true }],
  ]);
});
