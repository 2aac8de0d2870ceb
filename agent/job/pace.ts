/** So many flushes may leave at once, so that a quiet line never waits; then one every `REFILL_MS`. */
const BURST = 8;
const REFILL_MS = 4;

/** Spaces out flushes of a busy line: a token bucket over a monotonic clock. */
export class Pace {
  #tokens = BURST;
  #filledAt: number;

  constructor(now: number) {
    this.#filledAt = now;
  }

  /** Takes the right to flush: 0 when it is there, else the ms until it will be. */
  take(now: number): number {
    const gained = Math.floor((now - this.#filledAt) / REFILL_MS);
    this.#tokens = Math.min(BURST, this.#tokens + gained);
    this.#filledAt = this.#tokens === BURST ? now : this.#filledAt + gained * REFILL_MS;
    if (this.#tokens > 0) {
      this.#tokens--;
      return 0;
    }
    return this.#filledAt + REFILL_MS - now;
  }
}
