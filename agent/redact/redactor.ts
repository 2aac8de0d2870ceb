/**
 * Takes secrets out of one stream of bytes as it passes. What stands where a
 * form of a secret stood is `[secret:name]`; all other bytes pass as they are.
 *
 * What could be the beginning of a form is held back until more bytes tell, or
 * the stream ends. Time releases nothing: a beginning that was let go because
 * nothing came for a while would be a part of a secret.
 */
import type { Ending, Matcher } from "./matcher.ts";

export class Redactor {
  readonly #matcher: Matcher;
  readonly #sink: (bytes: Uint8Array) => void;
  /** What is held back; used again and again. */
  #held = Buffer.alloc(0);
  #length = 0;
  /** How many of the held bytes belong to a secret that has been replaced already. */
  #covered = 0;

  /** @param sink gets views that are only good during the call */
  constructor(matcher: Matcher, sink: (bytes: Uint8Array) => void) {
    this.#matcher = matcher;
    this.#sink = sink;
  }

  push(bytes: Uint8Array): void {
    if (this.#length === 0) this.#pass(bytes, bytes.length, "more");
    else {
      this.#append(bytes);
      this.#pass(this.#held, this.#length, "more");
    }
  }

  /**
   * Nothing follows. A secret that a stream breaks off in is taken out as far
   * as it came; anything else that was held back is let go.
   */
  end(ending: "breaks off" | "complete" = "breaks off"): void {
    if (this.#length > 0) this.#pass(this.#held, this.#length, ending);
  }

  #pass(data: Uint8Array, length: number, ending: Ending): void {
    const { hits, hold } = this.#matcher.scan(data, length, ending);
    const parts: Uint8Array[] = [];
    let at = this.#covered;
    for (const { start, end, name } of hits) {
      // One that may be part of a longer one is found again once that is known.
      if (start >= hold) break;
      if (start >= at) parts.push(data.subarray(at, start), Buffer.from(marker(name)));
      at = Math.max(at, end);
    }
    if (at < hold) parts.push(data.subarray(at, hold));
    this.#covered = Math.max(0, at - hold);
    const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    if (whole && whole.length > 0) this.#sink(whole);
    this.#keep(data, hold, length);
  }

  #keep(data: Uint8Array, from: number, to: number): void {
    this.#length = 0;
    if (from < to) this.#append(data.subarray(from, to));
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#held.length) {
      const larger = Buffer.alloc(Math.max(needed, this.#held.length * 2));
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    this.#held.set(bytes, this.#length);
    this.#length = needed;
  }
}

function marker(name: string): string {
  return `[secret:${name}]`;
}
