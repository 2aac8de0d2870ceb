import { describe, expect, it } from "vitest";
import type { Stream } from "#protocol/chunk.ts";
import { CHUNK_MAX_BYTES } from "#protocol/limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { OutputGatherer } from "./output.ts";

function gather(limit = Number.MAX_SAFE_INTEGER) {
  const clock = new ManualClock();
  const chunks: { stream: Stream; bytes: Buffer }[] = [];
  const disk = { full: false };
  const gatherer = new OutputGatherer(clock, limit, (stream, payload) => {
    if (disk.full) return false;
    chunks.push({ stream, bytes: Buffer.from(payload) });
    return true;
  });
  const textOf = (stream: Stream) =>
    Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map(({ bytes }) => bytes));
  return { clock, chunks, disk, gatherer, textOf };
}

const text = (value: string) => Buffer.from(value);

describe("[OT1] chunks", () => {
  it("leave at once while little comes", () => {
    const { gatherer, chunks, clock } = gather();
    gatherer.push("stdout", text("one\n"));
    expect(chunks).toHaveLength(1);
    void clock.advance(1_000);
    gatherer.push("stdout", text("two\n"));
    expect(chunks).toHaveLength(2);
  });

  it("are gathered within milliseconds while much comes, and never over 256 KiB", async () => {
    const { gatherer, chunks, clock, textOf } = gather();
    const part = Buffer.alloc(60_000, "x");
    for (let i = 0; i < 100; i++) gatherer.push("stdout", part);
    await clock.advance(5);
    expect(textOf("stdout")).toHaveLength(6_000_000);
    expect(Math.max(...chunks.map(({ bytes }) => bytes.length))).toBe(CHUNK_MAX_BYTES);
    expect(chunks.length).toBeLessThan(34);
  });

  it("of many tiny writes are few", async () => {
    const { gatherer, chunks, clock } = gather();
    for (let i = 0; i < 10_000; i++) {
      gatherer.push("stdout", text("tick\n"));
      if (i % 100 === 0) await clock.advance(1);
    }
    await clock.advance(10);
    expect(chunks.length).toBeLessThan(60);
  });

  it("keep the order in which both streams were read, also when gathered", async () => {
    const { gatherer, chunks, clock } = gather();
    for (let i = 0; i < 20; i++) gatherer.push(i % 2 ? "stderr" : "stdout", text(`${i} `));
    await clock.advance(10);
    expect(Buffer.concat(chunks.map(({ bytes }) => bytes)).toString()).toBe(
      Array.from({ length: 20 }, (_, i) => `${i} `).join(""),
    );
  });

  it("end between characters, wherever the pipe cut them", async () => {
    const source = text("aé€😀".repeat(50_000));
    for (const size of [1, 2, 3, 7, 65_536]) {
      const { gatherer, chunks, clock, textOf } = gather();
      for (let at = 0; at < Math.min(source.length, size * 20_000); at += size) {
        gatherer.push("stdout", source.subarray(at, at + size));
        if (at % 1_000 === 0) await clock.advance(1);
      }
      await clock.advance(10);
      const decoder = new TextDecoder("utf-8", { fatal: true });
      for (const { bytes } of chunks) expect(() => decoder.decode(bytes)).not.toThrow();
      gatherer.end();
      expect(textOf("stdout")).toEqual(source.subarray(0, textOf("stdout").length));
    }
  });

  it("carry bytes that are no text untouched, to the last one", () => {
    const { gatherer, textOf } = gather();
    const bytes = Buffer.from([0, 255, 0xe2, 0x82, 0xf0, 0x9f, 0x98]);
    gatherer.push("stdout", bytes);
    gatherer.end();
    expect(textOf("stdout")).toEqual(bytes);
  });
});

describe("[OT5] past the limit", () => {
  it.each([0, 1, 2, 3])(
    "output is cut after a whole character (%i bytes into one) and the rest is counted",
    (extra) => {
      const { gatherer, textOf } = gather(4_000 + extra);
      const source = text("😀".repeat(2_000));
      for (let at = 0; at < source.length; at += 5) gatherer.push("stdout", source.subarray(at, at + 5));
      gatherer.end();
      expect(textOf("stdout").toString()).toBe("😀".repeat(1_000));
      expect(gatherer.cutBytes).toEqual({ stdout: 4_000, stderr: 0 });
    },
  );

  it("counts both streams against one limit and ends both in whole characters", () => {
    const { gatherer, textOf } = gather(10);
    gatherer.push("stderr", text("ab\u20ac").subarray(0, 4));
    gatherer.push("stdout", text("123456789"));
    gatherer.push("stderr", Buffer.from([0xac]));
    gatherer.end();
    expect(textOf("stderr").toString()).toBe("ab");
    expect(textOf("stdout").toString()).toBe("123456");
    expect(gatherer.cutBytes).toEqual({ stdout: 3, stderr: 3 });
  });
});

it("holds everything while the disk takes nothing, and goes on where it was", async () => {
  const { gatherer, disk, textOf, clock } = gather();
  gatherer.push("stdout", text("a"));
  disk.full = true;
  gatherer.push("stdout", text("b"));
  expect(gatherer.blocked).toBe(true);
  gatherer.push("stdout", text("c"));
  expect(gatherer.retry()).toBe(false);
  disk.full = false;
  expect(gatherer.retry()).toBe(true);
  await clock.advance(10);
  expect(textOf("stdout").toString()).toBe("abc");
});

it("counts what a full disk never took as cut", () => {
  const { gatherer, disk } = gather();
  disk.full = true;
  gatherer.push("stdout", text("lost"));
  gatherer.abandon();
  gatherer.push("stdout", text("too"));
  gatherer.end();
  expect(gatherer.cutBytes.stdout).toBe(7);
});
