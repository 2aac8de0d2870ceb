import { existsSync, mkdtempSync, readdirSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { discard, PipePool, placeInMemory } from "./pipes.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "farhand-pipes-"));
});
afterEach(() => rmSync(state, { recursive: true }));

it("makes pipes in memory where this host has a place for that, and leaves nothing there", async () => {
  const own = join(state, "pipes");
  const place = placeInMemory(own) ?? own;
  const pool = await PipePool.open(own);
  const pipe = await pool.take();
  expect(dirname(pipe.name)).toBe(place);
  expect(existsSync(pipe.name)).toBe(false);
  writeSync(pipe.writeEnd, "through");
  const read = Buffer.alloc(16);
  expect(read.toString("utf8", 0, readSync(pipe.readEnd, read))).toBe("through");
  discard(pipe);
  pool.close();
  expect(existsSync(place)).toBe(false);
});

it("clears away what an agent that was killed has left, and leaves the pipes of others alone", async () => {
  const [own, others] = [join(state, "pipes"), join(state, "other")];
  const other = await PipePool.open(others);
  await PipePool.open(own);
  const place = placeInMemory(own) ?? own;
  const before = readdirSync(place);
  const pool = await PipePool.open(own);
  const after = new Set(readdirSync(place));
  expect(before.filter((name) => after.has(name))).toEqual([]);
  expect(readdirSync(placeInMemory(others) ?? others)).not.toEqual([]);
  for (const each of [pool, other]) each.close();
});
