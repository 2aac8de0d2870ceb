/** The word that was probably meant: at most two letters off, or a third of a short one; undefined when none comes near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const budget = Math.min(2, Math.max(1, Math.floor(word.length / 3)));
  const ranked = known
    .map((each) => ({ each, distance: distance(word.slice(0, 100).toLowerCase(), each.toLowerCase()) }))
    .filter(({ distance }) => distance <= budget)
    .sort((one, other) => one.distance - other.distance);
  return ranked[0]?.each;
}

/** How many letters have to be put in, left out or changed. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (let index = 0; index < other.length; index++) {
      const changed = (row[index] ?? 0) + (letter === other[index] ? 0 : 1);
      next.push(Math.min(changed, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
