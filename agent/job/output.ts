/**
 * From the pipes of a process to the payloads of chunks. No lines, no text:
 * bytes are gathered, and handed on at once when little comes, or in chunks of
 * up to 256 KiB when much does, cut between UTF-8 characters where there are
 * any. What leaves first was read first, also across the two streams.
 */
import { STREAMS, type Stream } from "#protocol/chunk.ts";
import { CHUNK_MAX_BYTES } from "#protocol/limits.ts";
import { wholeCharacters } from "#protocol/utf8.ts";
import type { Clock } from "../clock.ts";
import { HeldBytes } from "./held.ts";
import { Pace } from "./pace.ts";
import type { PerStream } from "./spool.ts";

/** Takes a payload; false when it cannot be stored now, and will be offered again. */
export type PayloadSink = (stream: Stream, payload: Uint8Array) => boolean;

/** How far to empty a stream: whole chunks only, up to the last whole character, or to the end. */
type Extent = "chunks" | "characters" | "all";

export class OutputGatherer {
  readonly #clock: Clock;
  readonly #sink: PayloadSink;
  readonly #held: PerStream<HeldBytes> = { stdout: new HeldBytes(), stderr: new HeldBytes() };
  readonly #pace: Pace;
  /** Bytes that may still be kept. */
  #room: number;
  #full = false;
  #cancelFlush: (() => void) | undefined;
  /** Bytes that the limit kept out (OT5). */
  readonly cutBytes: PerStream<number> = { stdout: 0, stderr: 0 };
  /** True while the sink refuses: nothing more should be read from the pipes. */
  blocked = false;

  /** @param limitBytes what both streams together may keep */
  constructor(clock: Clock, limitBytes: number, sink: PayloadSink) {
    this.#clock = clock;
    this.#sink = sink;
    this.#room = limitBytes;
    this.#pace = new Pace(clock.monotonic());
  }

  /** Takes bytes as a pipe gave them. They are used up or copied: the caller may use its buffer again. */
  push(stream: Stream, bytes: Uint8Array): void {
    if (this.#full) {
      this.cutBytes[stream] += bytes.length;
      return;
    }
    this.#empty(stream === "stdout" ? "stderr" : "stdout", "characters");
    if (bytes.length > this.#room) {
      this.#held[stream].add(bytes.subarray(0, this.#room));
      this.#fillUp(stream, bytes.length - this.#room);
      return;
    }
    this.#room -= bytes.length;
    this.#held[stream].add(bytes);
    if (this.#cancelFlush === undefined) this.#flushWhenPaceAllows();
    this.#empty(stream, "chunks");
  }

  /** Offers again what the sink refused. @returns true when it is all stored */
  retry(): boolean {
    this.blocked = false;
    for (const stream of STREAMS) this.#empty(stream, "characters");
    return !this.blocked;
  }

  /** Both streams are over: hands on all that is held, half characters too. */
  end(): void {
    this.#cancelFlush?.();
    for (const stream of STREAMS) this.#empty(stream, "all");
  }

  /** Gives up on what the sink will not take, now and later: it counts as cut, so it is not lost in silence. */
  abandon(): void {
    this.#full = true;
    this.blocked = false;
    for (const stream of STREAMS) this.cutBytes[stream] += this.#held[stream].drop();
  }

  #flushWhenPaceAllows(): void {
    const wait = this.#pace.take(this.#clock.monotonic());
    if (wait === 0) {
      for (const stream of STREAMS) this.#empty(stream, "characters");
      return;
    }
    this.#cancelFlush = this.#clock.after(wait, () => {
      this.#cancelFlush = undefined;
      this.#flushWhenPaceAllows();
    });
  }

  #empty(stream: Stream, extent: Extent): void {
    const held = this.#held[stream];
    while (held.length > 0 && !this.blocked) {
      if (extent === "chunks" && held.length < CHUNK_MAX_BYTES) return;
      const bytes = held.peek(CHUNK_MAX_BYTES);
      const toTheEnd = extent === "all" && bytes.length === held.length;
      const length = toTheEnd ? bytes.length : wholeCharacters(bytes);
      if (length === 0) return;
      if (this.#sink(stream, bytes.subarray(0, length))) held.skip(length);
      else this.blocked = true;
    }
  }

  /** The limit is reached: both streams end here, each after its last whole character. */
  #fillUp(stream: Stream, cutBytes: number): void {
    this.#full = true;
    this.cutBytes[stream] += cutBytes;
    for (const each of STREAMS) {
      this.cutBytes[each] += this.#held[each].dropTornCharacter();
      this.#empty(each, "characters");
    }
  }
}
