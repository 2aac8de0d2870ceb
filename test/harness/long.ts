/** True under `npm run test:faults`: faults take as long, and are as many, as they need to be. */
export const LONG = process.env.FARHAND_LONG === "1";

/** Milliseconds that a long form may take. */
export const LONG_TIMEOUT_MS = 15 * 60_000;

/** What random schedules are drawn from: FARHAND_SEEDS of them in a long form (20), the first one otherwise. */
export const SEEDS: readonly number[] = Array.from(
  { length: LONG ? Number(process.env.FARHAND_SEEDS ?? 20) : 1 },
  (_, index) => index + 1,
);
