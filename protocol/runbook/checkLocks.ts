import type { DocumentIssue } from "./check.ts";
import type { RunbookDocument } from "./document.ts";
import type { Place } from "./walk.ts";

/**
 * Who holds which locks while a block has its turn: the execution, and the
 * blocks around it. Whoever asks for one of them again waits for itself,
 * also when both are shared and somebody else stands between the two.
 */
export function locksAround(
  { locks = [] }: Pick<RunbookDocument, "locks">,
  { around, undoes }: Place,
): Map<string, string> {
  const held = new Map(locks.map(({ name }) => [name, "the execution"]));
  // What undoes a block runs when those around that one have let go.
  for (const { id, locks: own = [] } of undoes ? [] : around) {
    for (const { name } of own) held.set(name, `"${id}"`);
  }
  return held;
}

export function lockProblems(document: Pick<RunbookDocument, "locks">, place: Place): DocumentIssue[] {
  const held = locksAround(document, place);
  return (place.block.locks ?? []).flatMap(({ name }) => {
    const holder = held.get(name);
    if (holder === undefined) return [];
    const message = `the lock "${name}" is held by ${holder} then; ask for it in one place only`;
    return [{ path: ["locks"], message }];
  });
}
