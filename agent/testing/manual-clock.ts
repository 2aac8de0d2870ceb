import type { Clock } from "../clock.ts";

interface Timer {
  at: number;
  run: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #time: number;
  readonly #timers = new Set<Timer>();
  /** Wall clock minus monotonic clock; a test may make the wall clock jump. */
  wallOffset = 1_700_000_000_000;

  constructor(start = 1_000) {
    this.#time = start;
  }

  now(): number {
    return this.#time + this.wallOffset;
  }

  monotonic(): number {
    return this.#time;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#time + Math.max(0, ms), run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on, firing what falls due in order, with a turn of the event loop after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#time + ms;
    for (;;) {
      await turn();
      const next = Array.from(this.#timers)
        .filter((timer) => timer.at <= end)
        .sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers.delete(next);
      this.#time = Math.max(this.#time, next.at);
      next.run();
    }
    this.#time = end;
    await turn();
  }

  /** Time passes in which nobody could do anything: what fell due fires late, one after the other. */
  async jump(ms: number): Promise<void> {
    this.#time += ms;
    await this.advance(0);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
