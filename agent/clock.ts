/** Time, as everything in the agent sees it: injected, so that tests move it by hand. */
export interface Clock {
  /** Wall clock, ms since the epoch. For reports and log lines only: it may jump. */
  now(): number;
  /** Milliseconds that only ever grow. For every deadline. */
  monotonic(): number;
  /** Calls `run` once after `ms`; the returned function calls it off. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};

/**
 * Wall time, ms since the epoch, that goes on no faster than time does: a clock that is put back it
 * follows, one that jumps ahead it does not. For what must not be forgotten too early.
 */
export function steadyTime(clock: Clock): () => number {
  const offset = clock.now() - clock.monotonic();
  return () => Math.min(clock.now(), clock.monotonic() + offset);
}

/** Resolves after `ms` of the given clock. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

/** True when the promise resolves within `ms`; the clock's timer is called off then. */
export function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(false));
    promise.then(
      () => {
        cancel();
        resolve(true);
      },
      (error) => {
        cancel();
        reject(error);
      },
    );
  });
}
