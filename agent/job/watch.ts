/**
 * Looks at the processes of an attempt while it runs. A process that clears its
 * environment, leaves its session and loses its parent can be told from a
 * stranger only by whoever saw it before (CX1).
 */
import type { Clock } from "../clock.ts";
import type { ProcessTree } from "./tree.ts";

/** From one look to the next: scripts start their daemons early, so the pause is short at first and doubles. */
const PAUSE_MS = { first: 5, most: 1_000 };
/** A look that takes long is followed by a pause so many times as long: 1 % of a core, whatever the tree. */
const PAUSE_PER_COST = 100;

/** @returns a function that ends it */
export function watchTree(tree: ProcessTree, clock: Clock): () => void {
  let cancel = (): void => {};
  let over = false;
  const lookIn = (pauseMs: number): void => {
    cancel = clock.after(pauseMs, async () => {
      const begun = clock.monotonic();
      // What cannot be seen now may be seen the next time; a cancel looks for itself and says so.
      await tree.look().catch(() => {});
      const costMs = clock.monotonic() - begun;
      if (!over) lookIn(Math.max(Math.min(pauseMs * 2, PAUSE_MS.most), costMs * PAUSE_PER_COST));
    });
  };
  lookIn(PAUSE_MS.first);
  return () => {
    over = true;
    cancel();
  };
}
