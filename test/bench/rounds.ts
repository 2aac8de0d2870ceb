/** Repeats a measurement, contestants interleaved, so that what disturbs the machine disturbs all of them. */
import { paint } from "../../scripts/lib/terminal.ts";

export interface RoundsOptions {
  count: number;
  /** No new round begins after this much time; Infinity for as long as it takes. */
  budgetMs: number;
  signal: AbortSignal;
}

export class Rounds {
  readonly #options: RoundsOptions;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Counts up from 0. The first two rounds happen whatever the time. @throws when the run is stopped */
  *[Symbol.iterator](): Generator<number> {
    const { count, budgetMs, signal } = this.#options;
    const began = performance.now();
    for (let round = 0; round < count; round++) {
      signal.throwIfAborted();
      if (round >= 2 && performance.now() - began > budgetMs) break;
      showProgress(round + 1, count);
      yield round;
    }
    clearProgress();
  }

  /**
   * Asks every contestant in turn, round after round; each round begins with
   * the next one. Samples come back under the contestants' names.
   */
  async interleave<Name extends string>(
    contestants: Partial<Record<Name, () => Promise<number>>>,
  ): Promise<Partial<Record<Name, number[]>>> {
    const entries = Object.entries<(() => Promise<number>) | undefined>(contestants);
    const present = entries.flatMap(([name, sample]) => (sample ? [{ name, sample }] : []));
    const samples: Record<string, number[]> = Object.fromEntries(present.map(({ name }) => [name, []]));
    for (const round of this) {
      for (const index of present.keys()) {
        this.#options.signal.throwIfAborted();
        const turn = present[(round + index) % present.length];
        if (turn) samples[turn.name]?.push(await turn.sample());
      }
    }
    return samples as Partial<Record<Name, number[]>>;
  }
}

function showProgress(round: number, count: number): void {
  if (process.stdout.isTTY) process.stdout.write(`\r  ${paint("dim", `round ${round} of ${count}`)}\x1b[K`);
}

function clearProgress(): void {
  if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
}
