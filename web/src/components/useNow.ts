import { useSyncExternalStore } from "react";

/** One timer for everything on the page that shows a time passing. */
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let current = Date.now();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    current = Date.now();
    for (const each of listeners) each();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

function now(): number {
  // A second is exact enough, and keeps the value stable within one render.
  const fresh = Date.now();
  if (fresh - current >= 1_000) current = fresh;
  return current;
}

const still = () => () => {};

/** Ms since the epoch, a second apart; stands still when `ticking` is false. */
export function useNow(ticking = true): number {
  return useSyncExternalStore(ticking ? subscribe : still, now);
}
