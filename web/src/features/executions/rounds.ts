/** Which of many rounds the list of steps shows: the rest is folded away, or filtered out. Pure. */
import type { StepState } from "#protocol/states.ts";
import type { PlacedStep } from "./stepTree.ts";

/** Fewer done rounds than this are not worth folding away. */
const FOLD_FROM = 6;
/** Of fewer steps nobody needs to filter. */
const TALLY_FROM = 12;

/** The order in which states are counted: what needs a look comes first. */
const TALLY_ORDER = [
  "failed",
  "timed_out",
  "unknown",
  "canceled",
  "unreachable",
  "running",
  "dispatched",
  "waiting",
  "pending",
  "succeeded",
  "skipped",
] as const satisfies readonly StepState[];

export interface Fold {
  type: "fold";
  /** The step whose rounds are folded. */
  of: string;
  depth: number;
  steps: number;
}

export interface Tally {
  type: "tally";
  /** The step whose rounds are counted. */
  of: string;
  depth: number;
  /** How many steps of its rounds are in each state; states that none is in are left out. */
  counts: { state: StepState; steps: number }[];
  filter: RoundFilter;
  /** True when nothing fits the filter. */
  isEmpty: boolean;
}

/** What to show of the rounds of one step; empty for what needs a look. */
export interface RoundFilter {
  state?: StepState | undefined;
  /** Part of the name of an agent or item, whatever its case. */
  text?: string | undefined;
}

export interface Wishes {
  unfolded: ReadonlySet<string>;
  filters: ReadonlyMap<string, RoundFilter>;
}

/**
 * Of many rounds what needs no look is folded away: steps that succeeded or
 * were skipped. What runs, waits or went wrong stays in view, and so does the
 * step that is shown. A filter shows what fits it instead, and nothing else.
 */
export function rowsOf(
  steps: readonly PlacedStep[],
  { unfolded, filters }: Wishes,
  shown: string | undefined,
): (PlacedStep | Fold | Tally)[] {
  const done = (step: PlacedStep) => ["succeeded", "skipped"].includes(step.state) && step.id !== shown;
  const rounds = Map.groupBy(steps, ({ roundOf }) => roundOf);
  const filterOf = (of: string): RoundFilter | undefined => {
    const filter = filters.get(of);
    return filter?.state || filter?.text ? filter : undefined;
  };
  const foldedIn = (of: string): number => {
    const count = rounds.get(of)?.filter(done).length ?? 0;
    return count >= FOLD_FROM && !unfolded.has(of) && !filterOf(of) ? count : 0;
  };
  const folds = new Map(Array.from(rounds.keys(), (of) => [of, of === undefined ? 0 : foldedIn(of)]));
  return steps.flatMap((step): (PlacedStep | Fold | Tally)[] => {
    const { id: of, roundOf } = step;
    const depth = step.depth + 1;
    const filter = roundOf && filterOf(roundOf);
    if (filter ? !fits(step, filter) : roundOf && done(step) && folds.get(roundOf)) return [];
    const inside = rounds.get(of) ?? [];
    const folded = folds.get(of) ?? 0;
    const wish = filters.get(of) ?? {};
    const isEmpty = !inside.some((each) => fits(each, wish));
    const tally: Tally = { type: "tally", of, depth, counts: tallyOf(inside), filter: wish, isEmpty };
    return [
      step,
      ...(inside.length >= TALLY_FROM ? [tally] : []),
      ...(folded > 0 ? [{ type: "fold", of, depth, steps: folded } as const] : []),
    ];
  });
}

function fits({ state, round }: PlacedStep, filter: RoundFilter): boolean {
  if (filter.state && state !== filter.state) return false;
  return !filter.text || !!round?.toLowerCase().includes(filter.text.toLowerCase());
}

function tallyOf(steps: readonly PlacedStep[]): Tally["counts"] {
  const counts = TALLY_ORDER.map((state) => ({
    state,
    steps: steps.filter((step) => step.state === state).length,
  }));
  return counts.filter((count) => count.steps > 0);
}
