/**
 * What one attempt still has to send, as places in its spool. Chunks go in the
 * order in which they were spooled; a stream that has to be sent again moves
 * its place back, and chunks that the other end has are passed over.
 */
import { STREAMS, type Stream } from "#protocol/chunk.ts";
import type { Attempt } from "../job/attempt.ts";
import { type PerStream, Spool, type SpooledChunk } from "../job/spool.ts";

/** The same resend asked for twice within this time is one: a gap is noticed with every chunk after it. */
const REWIND_ONCE_MS = 1_000;

export class Outbox {
  readonly attempt: Attempt;
  /** Where in the spool to go on. */
  #position = 0;
  /** Offset up to which each stream was sent. */
  #sent: PerStream<number> = { stdout: 0, stderr: 0 };
  /** Offset up to which each stream is committed at the other end (OT2). */
  #held: PerStream<number> = { stdout: 0, stderr: 0 };
  #lastRewind: { stream: Stream; from: number; at: number } | undefined;
  /** Present while the socket lags behind the spool. */
  #buffer: Buffer | undefined;
  /** Changes whenever places move back: what was read before is void then. */
  generation = 0;
  /** The result was sent since the last such move. */
  finishedSent = false;
  /** The last try to read from the spool failed. */
  unreadable = false;

  constructor(attempt: Attempt) {
    this.attempt = attempt;
  }

  /** Bytes sent and not known to be committed. */
  get inFlight(): number {
    return STREAMS.reduce((sum, stream) => sum + Math.max(0, this.#sent[stream] - this.#held[stream]), 0);
  }

  get hasOutput(): boolean {
    return this.#position < this.attempt.spool.size;
  }

  get hasResult(): boolean {
    return !this.hasOutput && this.attempt.result !== undefined && !this.finishedSent;
  }

  /** A connection is new: go on from what the other end holds (OT3). */
  resume(held: PerStream<number>): void {
    const { spool } = this.attempt;
    this.generation++;
    this.finishedSent = false;
    this.#lastRewind = undefined;
    for (const stream of STREAMS) {
      const offset = Math.min(held[stream], spool.bytes[stream]);
      this.#sent[stream] = offset;
      this.#held[stream] = offset;
    }
    this.#position = Math.min(...STREAMS.map((stream) => spool.positionOf(stream, this.#sent[stream])));
  }

  /** Sends a stream again from `from` (OT4). */
  rewind(stream: Stream, from: number, now: number): void {
    const last = this.#lastRewind;
    if (last?.stream === stream && last.from === from && now - last.at < REWIND_ONCE_MS) return;
    this.#lastRewind = { stream, from, at: now };
    this.generation++;
    this.finishedSent = false;
    this.#sent[stream] = Math.min(this.#sent[stream], from);
    this.#position = Math.min(this.#position, this.attempt.spool.positionOf(stream, from));
  }

  /** Everything up to `held` is committed. @returns false when that cannot be true */
  acknowledge(stream: Stream, held: number): boolean {
    if (held > this.attempt.spool.bytes[stream]) return false;
    this.#held[stream] = Math.max(this.#held[stream], held);
    return true;
  }

  /** The chunk that holds the oldest byte in flight; undefined when nothing is. */
  async readOldestInFlight(): Promise<SpooledChunk | undefined> {
    const stream = STREAMS.find((each) => this.#sent[each] > this.#held[each]);
    if (!stream) return undefined;
    const { spool } = this.attempt;
    const isOldest = (chunk: SpooledChunk) => chunk.stream === stream && chunk.end > this.#held[stream];
    for (let position = spool.positionOf(stream, this.#held[stream]); position < spool.size; ) {
      const chunks = await spool.read(position, Spool.readBuffer());
      const oldest = chunks.find(isOldest);
      const last = chunks.at(-1);
      if (oldest || !last) return oldest;
      position = last.position + last.frame.length;
    }
    return undefined;
  }

  /** True when this chunk is the next in the spool and can be sent from memory. */
  isNext(chunk: SpooledChunk): boolean {
    return chunk.position === this.#position;
  }

  /**
   * The chunks that come next, read from the spool; some may be known at the
   * other end already. They are good until the next read.
   */
  read(): Promise<SpooledChunk[]> {
    this.#buffer ??= Spool.readBuffer();
    return this.attempt.spool.read(this.#position, this.#buffer);
  }

  /** Passes over one chunk. @returns true when it has to be sent */
  advance(chunk: SpooledChunk): boolean {
    this.#position = chunk.position + chunk.frame.length;
    if (!this.hasOutput) this.#buffer = undefined;
    if (chunk.end <= this.#sent[chunk.stream]) return false;
    this.#sent[chunk.stream] = chunk.end;
    return true;
  }
}
