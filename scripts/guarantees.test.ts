import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "./lib/paths.ts";

const DOCS = join(ROOT, "docs");
const TESTS = ["{protocol,worker,agent,web,scripts,test}/**/*.test.{ts,tsx}"];
/** `[G1]`, `[OT3]` or `[fault 12]`, as they stand in the name of a test. */
const ID = /\[((?:[GS]|[A-Z]{2})\d+|fault \d+)\]/g;

function idsIn(text: string): string[] {
  return [...text.matchAll(ID)].flatMap(([, id]) => id ?? []);
}

/** Rows of the tables: the id, and the test files that are linked in it. */
function listed(): Map<string, string[]> {
  const rows = readFileSync(join(DOCS, "guarantees.md"), "utf8").matchAll(
    /^\| ([GS]\d+|fault \d+) \|(.*)$/gm,
  );
  return new Map(
    [...rows].map(([, id = "", row = ""]) => [
      id,
      [...row.matchAll(/\]\(([^)]+\.test\.ts)\)/g)].map(([, path = ""]) => join(DOCS, path)),
    ]),
  );
}

it("every id in the name of a test is explained in docs/", async () => {
  const rules = readFileSync(join(DOCS, "protocol.md"), "utf8");
  const known = new Set([
    ...listed().keys(),
    ...[...rules.matchAll(/^- \*\*([A-Z]{2}\d+)\*\*/gm)].map(([, id]) => id),
  ]);
  const unknown: string[] = [];
  for await (const path of glob(TESTS, { cwd: ROOT })) {
    for (const id of idsIn(readFileSync(join(ROOT, path), "utf8")))
      if (!known.has(id)) unknown.push(`${path}: ${id}`);
  }
  expect(unknown).toEqual([]);
});

it("every promise is held by the tests that it names", () => {
  const missing = [...listed()].flatMap(([id, paths]) => {
    if (paths.length === 0) return [`${id} names no test`];
    return paths
      .filter((path) => !idsIn(readFileSync(path, "utf8")).includes(id))
      .map((path) => `${id}: ${path}`);
  });
  expect(listed().size).toBeGreaterThan(20);
  expect(missing).toEqual([]);
});
