/**
 * Output coming in: what to do with a chunk, what is held of each attempt, and
 * whether a finished attempt's output is all there.
 */
import { createHash, type Hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type Chunk, ChunkError, decodeChunk, STREAMS, type Stream } from "#protocol/chunk.ts";
import type { StreamSummary } from "#protocol/data.ts";
import type { ChunkRow, ExecutionStore, HeldOutput } from "./store.ts";

const LINE_FEED = 10;

export type Placement = "append" | "duplicate" | "gap";

/** Where a chunk falls against what is held (OT3). Chunks never change their borders, so overlap means gap. */
export function placeChunk(held: number, offset: number, bytes: number): Placement {
  if (offset === held) return "append";
  return offset + bytes <= held ? "duplicate" : "gap";
}

/** What became of a chunk; `held` is how far its stream reaches now. */
export type Reception =
  | { type: "stored"; row: ChunkRow; held: number }
  | { type: "duplicate" | "gap"; held: number };

/** What is still missing of a finished attempt (OT4): from where streams have to be sent again. */
export type Completeness =
  | { complete: true }
  | { complete: false; missing: { stream: Stream; from: number }[] };

type Hashes = Record<Stream, Hash>;

interface Tally extends HeldOutput {
  /**
   * Absent before the first byte, and after an eviction: then the log is read once
   * more when the attempt ends, and not before.
   */
  hashes: Hashes | undefined;
}

/**
 * Counts and hashes are kept in memory and rebuilt from the log when they are
 * not there, so eviction costs time and nothing else (G11).
 */
export class OutputIntake {
  readonly #store: ExecutionStore;
  readonly #tallies = new Map<string, Tally>();

  constructor(store: ExecutionStore) {
    this.#store = store;
  }

  /** Checks a binary frame. Nothing is stored yet: `accept` decides by what is returned here. */
  decode(frame: ArrayBuffer): { chunk: Chunk; body: Uint8Array } | { error: string } {
    const body = new Uint8Array(frame);
    try {
      const { frameBytes, ...chunk } = decodeChunk(body, crc32);
      return frameBytes === body.length ? { chunk, body } : { error: "bytes after the chunk" };
    } catch (error) {
      if (error instanceof ChunkError) return { error: error.message };
      throw error;
    }
  }

  /** Stores the chunk if it is the next of its stream. */
  accept(now: number, chunk: Chunk, body: Uint8Array): Reception {
    const tally = this.#tally(chunk.step, chunk.attempt);
    const held = tally[chunk.stream];
    const placement = placeChunk(held, chunk.offset, chunk.payload.length);
    if (placement !== "append") return { type: placement, held };
    const { step, attempt, stream, offset, payload } = chunk;
    const lines = countLines(payload);
    const { position, line } = tally;
    const bytes = payload.length;
    const row = this.#store.appendChunk(now, {
      step,
      attempt,
      stream,
      offset,
      bytes,
      position,
      line,
      lines,
      body,
    });
    if (position === 0) tally.hashes = newHashes();
    tally.hashes?.[stream].update(payload);
    tally[stream] += bytes;
    tally.position += bytes;
    tally.line += lines;
    return { type: "stored", row, held: tally[stream] };
  }

  held(step: string, attempt: number): HeldOutput {
    const { stdout, stderr, position, line } = this.#tally(step, attempt);
    return { stdout, stderr, position, line };
  }

  /**
   * Compares what is held with what the agent says it sent. More than the agent
   * remembers is fine: it lost the tail of its spool, not we.
   */
  check(step: string, attempt: number, streams: Record<Stream, StreamSummary>): Completeness {
    const tally = this.#tally(step, attempt);
    const short = STREAMS.find((stream) => tally[stream] < streams[stream].bytes);
    if (short) return { complete: false, missing: [{ stream: short, from: tally[short] }] };
    tally.hashes ??= this.#hash(step, attempt);
    const { hashes } = tally;
    const wrong = STREAMS.some(
      (stream) =>
        tally[stream] === streams[stream].bytes &&
        hashes[stream].copy().digest("hex") !== streams[stream].sha256,
    );
    if (!wrong) return { complete: true };
    this.#store.dropOutput(step, attempt);
    this.#tallies.delete(key(step, attempt));
    return { complete: false, missing: STREAMS.map((stream) => ({ stream, from: 0 })) };
  }

  /** The result is recorded: what was kept to check it is not needed any more. */
  done(step: string, attempt: number): void {
    const tally = this.#tallies.get(key(step, attempt));
    if (tally) tally.hashes = undefined;
  }

  /** Nothing is held any more: the log is gone. */
  forget(): void {
    this.#tallies.clear();
  }

  #tally(step: string, attempt: number): Tally {
    const found = this.#tallies.get(key(step, attempt));
    if (found) return found;
    const tally: Tally = { ...this.#store.held(step, attempt), hashes: undefined };
    this.#tallies.set(key(step, attempt), tally);
    return tally;
  }

  #hash(step: string, attempt: number): Hashes {
    const hashes = newHashes();
    for (let position = 0; ; ) {
      const row = this.#store.chunkAt(step, attempt, position);
      if (!row) return hashes;
      hashes[row.stream].update(decodeChunk(row.body).payload);
      position = row.position + row.bytes;
    }
  }
}

function newHashes(): Hashes {
  return { stdout: createHash("sha256"), stderr: createHash("sha256") };
}

function key(step: string, attempt: number): string {
  return `${step}#${attempt}`;
}

function countLines(payload: Uint8Array): number {
  let lines = 0;
  for (let at = payload.indexOf(LINE_FEED); at !== -1; at = payload.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}
