import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Chunk, ChunkError, chunkOverhead, decodeChunk, encodeChunk, STREAMS } from "./chunk.ts";
import { CHUNK_MAX_BYTES } from "./limits.ts";
import { decodeOutputFrame, encodeOutputFrame } from "./viewer.ts";

const chunks = fc.record({
  step: fc.string({ minLength: 1, maxLength: 40 }).filter((text) => text.isWellFormed()),
  attempt: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  stream: fc.constantFrom(...STREAMS),
  offset: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  time: fc.integer({ min: 0, max: 2 ** 45 }),
  payload: fc.uint8Array({ minLength: 1, maxLength: 600 }),
});

const sample: Chunk = {
  step: "check",
  attempt: 1,
  stream: "stdout",
  offset: 5,
  time: 9,
  payload: new Uint8Array([104, 105]),
};

describe("[OT1] output chunks", () => {
  it("come back from the wire as they were", () => {
    fc.assert(
      fc.property(chunks, (chunk) => {
        const frame = encodeChunk(chunk, crc32);
        expect(frame.length).toBe(chunkOverhead(chunk.step) + chunk.payload.length);
        const { frameBytes, ...decoded } = decodeChunk(frame, crc32);
        expect(frameBytes).toBe(frame.length);
        expect(decoded).toEqual(chunk);
      }),
    );
  });

  it("are refused when any single bit is flipped", () => {
    const frame = encodeChunk(sample, crc32);
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const broken = frame.slice();
      broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeChunk(broken, crc32), `bit ${bit}`).toThrow(ChunkError);
    }
  });

  it("are refused when they are cut short at any byte", () => {
    const frame = encodeChunk(sample, crc32);
    for (let length = 0; length < frame.length; length++) {
      expect(() => decodeChunk(frame.subarray(0, length), crc32)).toThrow(ChunkError);
    }
  });

  it("never make arbitrary bytes throw anything else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeChunk(bytes, crc32);
        } catch (error) {
          expect(error).toBeInstanceOf(ChunkError);
        }
      }),
    );
  });

  it("hold something: an empty one would stand still in every reader", () => {
    const empty = encodeChunk({ ...sample, payload: new Uint8Array() }, crc32);
    expect(() => decodeChunk(empty, crc32)).toThrow(ChunkError);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("have a time: %s is none", (time) => {
    expect(() => decodeChunk(encodeChunk({ ...sample, time }, crc32), crc32)).toThrow(ChunkError);
  });

  it("hold at most 256 KiB", () => {
    const payload = new Uint8Array(CHUNK_MAX_BYTES);
    expect(decodeChunk(encodeChunk({ ...sample, payload }, crc32)).payload).toHaveLength(CHUNK_MAX_BYTES);
    expect(() => encodeChunk({ ...sample, payload: new Uint8Array(CHUNK_MAX_BYTES + 1) }, crc32)).toThrow(
      ChunkError,
    );
  });
});

describe("[VW1] output frames", () => {
  it("stand in a row and are read one by one", () => {
    const one = encodeOutputFrame({ seq: 3, position: 100, line: 7 }, encodeChunk(sample, crc32));
    const two = encodeOutputFrame(
      { seq: 4, position: 102, line: 8 },
      encodeChunk({ ...sample, offset: 7 }, crc32),
    );
    const both = new Uint8Array([...one, ...two]);
    const first = decodeOutputFrame(both);
    expect(first).toMatchObject({ seq: 3, position: 100, line: 7, chunk: sample });
    expect(decodeOutputFrame(both.subarray(first.frameBytes))).toMatchObject({
      seq: 4,
      chunk: { offset: 7 },
    });
  });

  it("are refused when cut short", () => {
    expect(() => decodeOutputFrame(new Uint8Array(10))).toThrow(ChunkError);
  });
});
