/** What a measurement found: one row for each contestant, with the aim where there is one. */

/** Samples in short. `p99` is the value that 99 of 100 samples are no worse than; of few samples, the worst. */
export interface Spread {
  samples: number;
  median: number;
  p99: number;
}

/** How a number is written. In `per s` and `MB/s` more is better, in all others less. */
export type Unit = "ms" | "per s" | "MB/s" | "MB" | "kB" | "calls" | "rows" | "sockets" | "%";

export type Bound = { atMost: number } | { atLeast: number };

export interface Row {
  measure: string;
  unit: Unit;
  ours: Spread;
  /** The contestant's name, and its samples unless it is not installed here. */
  against?: { contestant: string; theirs?: Spread };
  /** Ours over theirs. */
  ratio?: { median: number; p99: number };
  /** Beside a contestant the median ratio is held to it, without one the worst of our own samples. */
  aim?: { bound: Bound; met?: boolean };
}

export interface Finding {
  rows: Row[];
  /** What does not fit a row, for whoever wants to know more. */
  notes?: string[];
}

const MORE_IS_BETTER: ReadonlySet<Unit> = new Set(["per s", "MB/s"]);

/** @throws RangeError without samples */
export function spreadOf(samples: readonly number[], unit: Unit): Spread {
  const best = (a: number, b: number) => (MORE_IS_BETTER.has(unit) ? b - a : a - b);
  const sorted = [...samples].sort(best);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  const p99 = at(0.99);
  if (p99 === undefined) throw new RangeError("no samples");
  const middle = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]] as [number, number];
  return { samples: sorted.length, median: (middle[0] + middle[1]) / 2, p99 };
}

/** Our samples on their own. */
export function alone(measure: string, unit: Unit, samples: readonly number[], bound?: Bound): Row {
  const ours = spreadOf(samples, unit);
  return { measure, unit, ours, ...(bound && { aim: { bound, met: keeps(ours.p99, bound) } }) };
}

/** Our samples beside a contestant's, which are undefined where it is not installed. */
export function beside(
  measure: string,
  unit: Unit,
  samples: readonly number[],
  [contestant, theirSamples]: readonly [string, readonly number[] | undefined],
  bound?: Bound,
): Row {
  const ours = spreadOf(samples, unit);
  if (!theirSamples)
    return { measure, unit, ours, against: { contestant }, ...(bound && { aim: { bound } }) };
  const theirs = spreadOf(theirSamples, unit);
  const ratio = { median: ours.median / theirs.median, p99: ours.p99 / theirs.p99 };
  return {
    measure,
    unit,
    ours,
    against: { contestant, theirs },
    ratio,
    ...(bound && { aim: { bound, met: keeps(ratio.median, bound) } }),
  };
}

function keeps(value: number, bound: Bound): boolean {
  return "atMost" in bound ? value <= bound.atMost : value >= bound.atLeast;
}
