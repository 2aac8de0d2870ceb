/**
 * The output of one attempt on disk: the encoded chunks, back to back, exactly
 * as they are sent (rule OT1). It takes what the network cannot take yet, and
 * what it holds survives the agent (promise G4).
 *
 * Appends are plain writes into the page cache, without a flush: a chunk is on
 * its way to the disk before it is on the wire, and costs no wait.
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, ftruncateSync, openSync, read, readSync, unlinkSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { type Chunk, ChunkError, decodeChunk, encodeChunk, type Stream } from "#protocol/chunk.ts";
import { errorCode } from "../files.ts";

/** Distance in the file between two places that are remembered; reads start at one of them. */
const INDEX_STEP_BYTES = 256 * 1024;
/** Frames from here on are worth keeping for the next one. */
const SCRATCH_LEAST_BYTES = 16 * 1024;
/** So much is hashed as it comes. Of more, hashing would hold up the process that prints it: it is done at the end. */
const HASHED_AS_IT_COMES_BYTES = 1024 * 1024;
/** Holds at least one whole chunk. */
const READ_BYTES = 512 * 1024;

const DAMAGED = "the spool was changed or cut by somebody else";

export type PerStream<T> = Record<Stream, T>;

interface Mark {
  offset: number;
  position: number;
}

/** A chunk where it stands in the file. */
export interface SpooledChunk {
  stream: Stream;
  offset: number;
  end: number;
  position: number;
  /** What goes on the wire. The buffer behind it is used again; see whoever hands it out. */
  frame: Uint8Array;
}

export class Spool {
  readonly path: string;
  readonly #step: string;
  readonly #attempt: number;
  #fd = -1;
  /** Bytes of the file: whole chunks only. */
  size = 0;
  /** Payload bytes of each stream. */
  readonly bytes: PerStream<number> = { stdout: 0, stderr: 0 };
  readonly #hashes: PerStream<Hash> = { stdout: createHash("sha256"), stderr: createHash("sha256") };
  /** Bytes of the file that the digests cover. */
  #hashed = 0;
  readonly #marks: PerStream<Mark[]> = { stdout: [], stderr: [] };
  /** When the newest chunk was read, wall clock ms. */
  lastTime: number | undefined;
  #scratch: Uint8Array<ArrayBuffer> | undefined;
  #reads = 0;
  #closing = false;

  /** A spool with nothing in it. The file appears with the first chunk. */
  constructor(path: string, step: string, attempt: number) {
    this.path = path;
    this.#step = step;
    this.#attempt = attempt;
  }

  /** Reads a spool back: every chunk is checked, and a torn or foreign tail is cut off. */
  static load(path: string, step: string, attempt: number): Spool {
    const spool = new Spool(path, step, attempt);
    try {
      spool.#fd = openSync(path, "r+");
    } catch (error) {
      if (errorCode(error) === "ENOENT") return spool;
      throw error;
    }
    spool.#recount();
    ftruncateSync(spool.#fd, spool.size);
    return spool;
  }

  /**
   * Appends the next bytes of a stream.
   * @returns the chunk as it was written; its frame is good until the next append, unless `keepFrame` is called
   * @throws the system's error when the disk does not take it; nothing has changed then, try again later
   */
  append(stream: Stream, payload: Uint8Array, time: number): SpooledChunk {
    const offset = this.bytes[stream];
    const header = { step: this.#step, attempt: this.#attempt, stream, offset, time };
    const frame = encodeChunk({ ...header, payload }, crc32, this.#scratch);
    // Small frames cost nothing to make; a large one is kept to be filled again.
    if (frame.length > (this.#scratch?.length ?? SCRATCH_LEAST_BYTES)) this.#scratch = frame;
    if (this.#fd < 0) this.#fd = openSync(this.path, "w+", 0o600);
    const position = this.size;
    for (let done = 0; done < frame.length; ) {
      done += writeSync(this.#fd, frame, done, frame.length - done, position + done);
    }
    const hashNow = this.#hashed === position && position < HASHED_AS_IT_COMES_BYTES;
    this.#count(stream, payload, frame.length, time, hashNow);
    return { stream, offset, end: offset + payload.length, position, frame };
  }

  /** The frame of the last append is still being sent: it must not be filled again. */
  keepFrame(): void {
    this.#scratch = undefined;
  }

  /**
   * Works out the digests of all that is here, in steps that hold up nobody.
   * @throws the system's error when the file cannot be read back
   */
  async hashAll(): Promise<void> {
    if (this.#hashed === this.size) return;
    const buffer = Spool.readBuffer();
    while (this.#hashed < this.size) {
      const chunks = await this.read(this.#hashed, buffer);
      if (chunks.length === 0) throw new Error(DAMAGED);
      for (const { position, frame, offset, end, stream } of chunks) {
        this.#hash(position, frame.length, stream, frame.subarray(frame.length - (end - offset)));
      }
    }
  }

  /**
   * SHA-256 of everything a stream holds now, lower-case hex.
   * @throws the system's error when the file cannot be read back, unless `hashAll` has done so
   */
  sha256(stream: Stream): string {
    const buffer = this.#hashed < this.size ? Spool.readBuffer() : Buffer.alloc(0);
    while (this.#hashed < this.size) {
      const from = this.#hashed;
      const got = readSync(this.#fd, buffer, 0, Math.min(buffer.length, this.size - from), from);
      for (const { chunk, at, frame } of chunksIn(buffer.subarray(0, got))) {
        this.#hash(from + at, frame.length, chunk.stream, chunk.payload);
      }
      if (this.#hashed === from) throw new Error(DAMAGED);
    }
    return this.#hashes[stream].copy().digest("hex");
  }

  /** A place in the file at or before the chunk that holds `offset`; the end when there is none. */
  positionOf(stream: Stream, offset: number): number {
    if (offset >= this.bytes[stream]) return this.size;
    const marks = this.#marks[stream];
    let low = 0;
    let high = marks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((marks[middle]?.offset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return marks[low - 1]?.position ?? 0;
  }

  /** A buffer for `read`. */
  static readBuffer(): Buffer {
    return Buffer.allocUnsafeSlow(READ_BYTES);
  }

  /** The whole chunks that stand from `position` on, as many as fit into the buffer; frames are views of it. */
  async read(position: number, buffer: Buffer): Promise<SpooledChunk[]> {
    this.#reads++;
    const part = buffer.subarray(0, Math.min(buffer.length, this.size - position));
    const got = await readAt(this.#fd, part, position).finally(() => {
      this.#reads--;
      if (this.#closing) this.close();
    });
    return Array.from(chunksIn(buffer.subarray(0, got)), ({ chunk, at, frame }) => ({
      stream: chunk.stream,
      offset: chunk.offset,
      end: chunk.offset + chunk.payload.length,
      position: position + at,
      frame,
    }));
  }

  /** Closes the file, once no read of it is on its way: its number could be another file's by then. */
  close(): void {
    this.#closing = this.#reads > 0;
    if (this.#closing) return;
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  /** Closes and deletes it: the result is recorded, nobody will ask again. */
  remove(): void {
    this.close();
    try {
      unlinkSync(this.path);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
  }

  /** Takes the next chunk into the digests; one that they cover already changes nothing. */
  #hash(position: number, frameBytes: number, stream: Stream, payload: Uint8Array): void {
    if (position !== this.#hashed) return;
    this.#hashes[stream].update(payload);
    this.#hashed += frameBytes;
  }

  #count(stream: Stream, payload: Uint8Array, frameBytes: number, time: number, hashNow: boolean): void {
    const marks = this.#marks[stream];
    const last = marks.at(-1);
    if (!last || this.size - last.position >= INDEX_STEP_BYTES) {
      marks.push({ offset: this.bytes[stream], position: this.size });
    }
    if (hashNow) this.#hash(this.size, frameBytes, stream, payload);
    this.bytes[stream] += payload.length;
    this.size += frameBytes;
    this.lastTime = time;
  }

  #recount(): void {
    const buffer = Spool.readBuffer();
    for (;;) {
      const got = readSync(this.#fd, buffer, 0, buffer.length, this.size);
      const before = this.size;
      for (const { chunk, frame } of chunksIn(buffer.subarray(0, got), true)) {
        const ours = chunk.step === this.#step && chunk.attempt === this.#attempt;
        if (!ours || chunk.offset !== this.bytes[chunk.stream]) return;
        this.#count(chunk.stream, chunk.payload, frame.length, chunk.time, true);
      }
      if (this.size === before) return;
    }
  }
}

function* chunksIn(
  bytes: Uint8Array,
  check = false,
): Generator<{ chunk: Chunk; at: number; frame: Uint8Array }> {
  for (let at = 0; at < bytes.length; ) {
    try {
      const { frameBytes, ...chunk } = decodeChunk(bytes.subarray(at), check ? crc32 : undefined);
      yield { chunk, at, frame: bytes.subarray(at, at + frameBytes) };
      at += frameBytes;
    } catch (error) {
      // Cut short by the end of the buffer, or by a crash.
      if (error instanceof ChunkError) return;
      throw error;
    }
  }
}

function readAt(fd: number, buffer: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, buffer.length, position, (error, got) => (error ? reject(error) : resolve(got)));
  });
}
