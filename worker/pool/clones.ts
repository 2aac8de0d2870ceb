/**
 * Rule HS5, as a pure decision. Each try of an agent to open its control socket
 * is signed with a number that is greater than all before. Two machines with
 * the state of one agent count from the same place, so whichever of them
 * connects second shows a number that was passed already.
 */

/** One try to connect, as far as it was seen here. */
export interface Connect {
  counter: number;
  /** When its assertion was made, by the agent's clock, seconds since the epoch. */
  issuedAt: number;
}

/**
 * `late`: an older try of the same machine that it gave up, and that was overtaken on the way; harmless, and
 * nobody waits for the answer. `uncounted`: it has counted before and does not now.
 */
export type CounterVerdict = "new" | "late" | "clone" | "uncounted";

/** @param last the connect with the greatest counter that was let in; undefined for none */
export function judgeCounter(
  last: Connect | undefined,
  next: { counter?: number | undefined; issuedAt: number },
): CounterVerdict {
  if (next.counter === undefined) return last ? "uncounted" : "new";
  if (!last || next.counter > last.counter) return "new";
  // One machine signs a number once; the same assertion again was refused by its id before.
  if (next.counter === last.counter) return "clone";
  return next.issuedAt > last.issuedAt ? "clone" : "late";
}
