/**
 * Looks at the processes of an attempt while it runs. A process that clears its
 * environment, leaves its session and loses its parent can be told from a
 * stranger only by whoever saw it before (CX1). What they use is looked at too.
 */
import type { Clock } from "../clock.ts";
import type { ProcessTree } from "./tree.ts";
import type { Meter } from "./usage.ts";

/** From one look to the next: scripts start their daemons early, so the pause is short at first and doubles. */
const PAUSE_MS = { first: 5, most: 1_000 };
/** A look that takes long is followed by a pause so many times as long: 1 % of a core, whatever the tree. */
const PAUSE_PER_COST = 100;
/** Where looking keeps limits it is done more often and at the whole host, for up to 10 % of a core. */
const LIMITED = { mostMs: 100, pausePerCost: 10 };

/** @returns a function that ends it */
export function watchTree(tree: ProcessTree, meter: Meter, clock: Clock): () => void {
  const most = meter.limited ? LIMITED.mostMs : PAUSE_MS.most;
  const perCost = meter.limited ? LIMITED.pausePerCost : PAUSE_PER_COST;
  let cancel = (): void => {};
  let over = false;
  const lookIn = (pauseMs: number): void => {
    cancel = clock.after(pauseMs, async () => {
      const begun = clock.monotonic();
      // What cannot be seen now may be seen the next time; a cancel looks for itself and says so.
      const living = await (meter.limited ? tree.members() : tree.look()).catch(() => undefined);
      if (living && !over) meter.sample(living);
      const costMs = clock.monotonic() - begun;
      if (!over) lookIn(Math.max(Math.min(pauseMs * 2, most), costMs * perCost));
    });
  };
  lookIn(PAUSE_MS.first);
  return () => {
    over = true;
    cancel();
  };
}
