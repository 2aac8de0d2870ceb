/**
 * Agents that do not take what they are offered. However many decline, a step
 * waits on until its wait is over, and then says who declined and why. The pool
 * is asked again at once as long as it finds agents that were not asked yet.
 * Once it has come back to one that declines again, there is a pause before each
 * next time: else the log would grow as fast as pool and agents can answer.
 */
import type { LeaseRecord } from "./state.ts";

/** What came of asking for an agent within one wait. Times are ms since the epoch. */
export interface Declined {
  /** When the wait is over, which tells it from others: a later one counts anew. */
  readonly until: number;
  /** When the pool was first asked in it. */
  readonly since: number;
  /** When it is to be asked again; a time that has passed means at once. */
  readonly askAt: number;
  /** Why each agent did not take it, as it said last, by its id; "" for those that were not named. */
  readonly reasons: ReadonlyMap<string, string>;
}

/** The pause between two requests: a hundredth of the wait so far, within these bounds. */
const PAUSE_SHARE = 1 / 100;
const PAUSE_MIN_MS = 5_000;
const PAUSE_MAX_MS = 5 * 60_000;
/** At least so much for each step that was sent along: each leaves events of its own, there and back. */
const PAUSE_PER_STEP_MS = 1_000;

/** Most reasons that are told one by one. */
const REASONS_MAX = 3;

/**
 * @param before of the same scope; it may be of an earlier wait
 * @param steps how many were with the agent that did not take them
 */
export function afterDecline(
  before: Declined | undefined,
  lease: LeaseRecord,
  reason: string,
  steps: number,
): Declined {
  const { until, requestedAt, wantedAgentId = "", agentId = wantedAgentId } = lease;
  const known = before?.until === until ? before : undefined;
  const since = known?.since ?? requestedAt;
  const reasons = new Map(known?.reasons);
  // One that is not named, because it was faster than the pool's answer, may have been asked before.
  const isNew = agentId !== "" && !reasons.has(agentId);
  reasons.set(agentId, reason);
  return { until, since, askAt: isNew ? requestedAt : afterPause(since, requestedAt, until, steps), reasons };
}

/**
 * What would be so late that the answer could come after the wait is put off to
 * its end, where the step ends instead of asking.
 */
function afterPause(since: number, askedAt: number, until: number, steps: number): number {
  const growing = Math.min((askedAt - since) * PAUSE_SHARE, PAUSE_MAX_MS);
  const pause = Math.max(PAUSE_MIN_MS, growing, steps * PAUSE_PER_STEP_MS);
  const at = Math.ceil(askedAt + pause);
  return at + PAUSE_MIN_MS > until ? until : at;
}

/** Who did not take it and why, most of them first. */
export function declinedWords({ reasons }: Declined): string {
  const counts = new Map<string, number>();
  for (const reason of reasons.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const sorted = [...counts].toSorted(([, one], [, other]) => other - one);
  const told = sorted.slice(0, REASONS_MAX).map(([reason, count]) => `${count}: ${reason}`);
  const rest = sorted.slice(REASONS_MAX).reduce((sum, [, count]) => sum + count, 0);
  if (rest > 0) told.push(`${rest}: other reasons`);
  return `${reasons.size} ${reasons.size === 1 ? "agent" : "agents"} did not take it (${told.join("; ")})`;
}
