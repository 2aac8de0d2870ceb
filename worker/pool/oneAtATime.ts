/**
 * Work that must not overlap with itself: asked for while it is under way, it
 * is done once more afterwards, so that no wake is missed. A round that fails
 * is told to `failed` and stops no later one.
 */
export function oneAtATime(work: () => Promise<void>, failed: (error: unknown) => void): () => Promise<void> {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      await work().catch(failed);
    }
    running = false;
  };
}
