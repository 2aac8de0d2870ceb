/** True under `npm run test:faults`: faults take as long, and are as many, as they need to be. */
export const LONG = process.env.FARHAND_LONG === "1";

/** Milliseconds that a long form may take. */
export const LONG_TIMEOUT_MS = 15 * 60_000;
