import { createHash } from "node:crypto";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Stream } from "#protocol/chunk.ts";
import { CHUNK_MAX_BYTES } from "#protocol/limits.ts";
import { Spool, type SpooledChunk } from "./spool.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhand-spool-"));
  path = join(folder, "a.1");
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytesOf = (length: number, seed: number) => Buffer.alloc(length, `${seed}.`);
const sha256 = (parts: Buffer[]) => createHash("sha256").update(Buffer.concat(parts)).digest("hex");

async function readAll(spool: Spool, from = 0): Promise<SpooledChunk[]> {
  const all: SpooledChunk[] = [];
  for (let position = from; position < spool.size; ) {
    const chunks = await spool.read(position, Spool.readBuffer());
    all.push(...chunks);
    const last = chunks.at(-1);
    if (!last) throw new Error("no progress");
    position = last.position + last.frame.length;
  }
  return all;
}

it("[OT1] holds exactly the frames that it handed out, in their order", async () => {
  const spool = new Spool(path, "a", 1);
  const frames = [1, 2, 3, 4].map(
    (i) => spool.append(i % 2 ? "stdout" : "stderr", bytesOf(i * 1_000, i), i).frame,
  );
  expect(readFileSync(path)).toEqual(Buffer.concat(frames));
  expect((await readAll(spool)).map((chunk) => Buffer.from(chunk.frame))).toEqual(
    frames.map((f) => Buffer.from(f)),
  );
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it("[OT3] [G4] is read back after a crash with the same sizes and digests, a torn tail cut", () => {
  const spool = new Spool(path, "a", 1);
  const sent: Record<Stream, Buffer[]> = { stdout: [], stderr: [] };
  for (let i = 0; i < 20; i++) {
    const stream = i % 3 ? "stdout" : "stderr";
    const payload = bytesOf(i % 5 === 0 ? CHUNK_MAX_BYTES : 77 * i, i);
    sent[stream].push(payload);
    spool.append(stream, payload, i);
  }
  const whole = readFileSync(path);
  const next = Buffer.from(spool.append("stdout", bytesOf(5_000, 9), 21).frame);
  const tails = [1, 31, 32, 33, 40, next.length - 1].map((length) => next.subarray(0, length));
  const corrupt = Buffer.from(next);
  corrupt[100] = (corrupt[100] ?? 0) ^ 1;
  for (const tail of [...tails, corrupt, Buffer.alloc(4_096)]) {
    writeFileSync(path, whole);
    appendFileSync(path, tail);
    const back = Spool.load(path, "a", 1);
    expect(back.size).toBe(whole.length);
    expect(statSync(path).size).toBe(whole.length);
    for (const stream of ["stdout", "stderr"] as const) {
      expect(back.bytes[stream]).toBe(Buffer.concat(sent[stream]).length);
      expect(back.sha256(stream)).toBe(sha256(sent[stream]));
    }
    expect(back.lastTime).toBe(19);
  }
});

it.each(["ahead", "when asked"])("[OT3] knows the digests of much output, worked out %s", async (when) => {
  const spool = new Spool(path, "a", 1);
  const sent: Record<Stream, Buffer[]> = { stdout: [], stderr: [] };
  const print = (count: number) => {
    for (let i = 0; i < count; i++) {
      const stream = i % 3 ? "stdout" : "stderr";
      sent[stream].push(bytesOf(CHUNK_MAX_BYTES - i, i));
      spool.append(stream, bytesOf(CHUNK_MAX_BYTES - i, i), i);
    }
  };
  for (const count of [3, 20, 1, 7]) {
    print(count);
    if (when === "ahead") {
      const hashing = spool.hashAll();
      if (count === 20) print(2);
      await hashing;
    }
    for (const stream of ["stdout", "stderr"] as const)
      expect(spool.sha256(stream)).toBe(sha256(sent[stream]));
  }
  expect(Spool.load(path, "a", 1).sha256("stdout")).toBe(sha256(sent.stdout));
});

it("gives no digest of a file that somebody else has cut", async () => {
  const spool = new Spool(path, "a", 1);
  for (let i = 0; i < 10; i++) spool.append("stdout", bytesOf(CHUNK_MAX_BYTES, i), i);
  truncateSync(path, 5 * CHUNK_MAX_BYTES);
  await expect(spool.hashAll()).rejects.toThrow("changed or cut");
  expect(() => spool.sha256("stdout")).toThrow("changed or cut");
});

it("[OT3] finds the chunk that holds an offset from a sparse index", async () => {
  const spool = new Spool(path, "a", 1);
  for (let i = 0; i < 3_000; i++) spool.append(i % 7 ? "stdout" : "stderr", bytesOf(1_000, i), i);
  for (const stream of ["stdout", "stderr"] as const) {
    for (const offset of [0, 1, 999, 1_000, 250_000, spool.bytes[stream] - 1]) {
      const from = spool.positionOf(stream, offset);
      const chunk = (await readAll(spool, from)).find((each) => each.stream === stream && each.end > offset);
      expect(chunk?.offset).toBeLessThanOrEqual(offset);
    }
    expect(spool.positionOf(stream, spool.bytes[stream])).toBe(spool.size);
  }
});

it("goes on where it was after it has been read back", async () => {
  new Spool(path, "a", 1).append("stdout", bytesOf(10, 1), 1);
  const back = Spool.load(path, "a", 1);
  expect(back.append("stdout", bytesOf(5, 2), 2)).toMatchObject({ offset: 10, end: 15 });
  expect(await readAll(back)).toHaveLength(2);
});

it("takes a chunk of another step, or one out of place, for damage", () => {
  const spool = new Spool(path, "a", 1);
  spool.append("stdout", bytesOf(10, 1), 1);
  const size = spool.size;
  const other = new Spool(join(folder, "b.1"), "b", 1);
  appendFileSync(path, other.append("stdout", bytesOf(10, 1), 1).frame);
  expect(Spool.load(path, "a", 1).size).toBe(size);
  truncateSync(path, size);
  appendFileSync(path, readFileSync(path));
  expect(Spool.load(path, "a", 1).size).toBe(size);
});

it("is empty without a file, and removing it twice is fine", () => {
  const spool = Spool.load(path, "a", 1);
  expect(spool.size).toBe(0);
  spool.remove();
  spool.remove();
});
