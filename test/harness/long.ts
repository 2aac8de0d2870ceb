/** True under `npm run test:faults`: faults take as long, and are as many, as they need to be. */
export const LONG = process.env.FARHAND_LONG === "1";

/** Milliseconds a long form may take; undefined for the default of its project. */
export const LONG_TIMEOUT_MS = 15 * 60_000;
