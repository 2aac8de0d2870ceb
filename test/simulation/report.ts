/** What a person is shown of a simulation that failed. */
import { shrink } from "./shrink.ts";
import { scenarioOf, simulate } from "./simulate.ts";

const LINES_MAX = 120;

/** The seed, the smallest scenario that still fails, and what happens in it; undefined when all is well. */
export function failureOf(seed: number): string | undefined {
  const scenario = scenarioOf(seed);
  const first = simulate(scenario).violation;
  if (!first) return undefined;
  const small = shrink(scenario);
  const { violation, trace } = simulate(small, true);
  const { blocks, finally: last, locks, timeoutMs, range } = small.plan;
  const hidden = trace.length - LINES_MAX;
  return [
    `Seed ${seed} breaks ${first.message}`,
    `The smallest that does (${small.schedule.length} of ${scenario.schedule.length} steps): ${violation?.message}`,
    JSON.stringify({ blocks, finally: last, locks, timeoutMs, range }),
    ...(hidden > 0 ? [`… ${hidden} lines before`] : []),
    ...trace.slice(-LINES_MAX),
  ].join("\n");
}
