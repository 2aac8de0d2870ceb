/**
 * Agents that do not take what they are offered: when the pool is asked again,
 * and what is said of them in the end. A step fails only when its wait is over,
 * however many decline. An agent that was not asked yet is asked at once; when
 * one is asked in vain again, that is an interval after the last time, so what
 * all this adds to the log is bounded, whatever pool and agents do.
 */
import type { LeaseRecord } from "./state.ts";

/** What came of asking for an agent within one wait. */
export interface Declined {
  /** When this wait is over; a later one counts anew. All times in ms since the epoch. */
  readonly until: number;
  /** When an agent was first asked for in it, and last. */
  readonly since: number;
  readonly askedAt: number;
  /** Who was asked last had been asked before. */
  readonly again: boolean;
  /** Why each agent did not take it, as it said last, by its id; "" for those that were not named. */
  readonly reasons: ReadonlyMap<string, string>;
}

/** The least between two times, and the most however long it waits. */
const ASK_AGAIN_MS = 5_000;
const ASK_AGAIN_MAX_MS = 5 * 60_000;
/** In between, the part of the wait so far. */
const PART = 100;

/** How many reasons are told. */
const REASONS_MAX = 3;

/** @param before of the same steps; it may be of an earlier wait */
export function afterDecline(before: Declined | undefined, lease: LeaseRecord, reason: string): Declined {
  const { until, requestedAt, wantedAgentId = "", agentId = wantedAgentId } = lease;
  const known = before?.until === until ? before : undefined;
  const reasons = known?.reasons ?? new Map();
  return {
    until,
    since: known?.since ?? requestedAt,
    askedAt: requestedAt,
    // Of one that is not named, because it was faster than the pool's answer, nobody knows.
    again: agentId === "" || reasons.has(agentId),
    reasons: new Map(reasons).set(agentId, reason),
  };
}

/**
 * When the pool is to be asked again; in the past for at once. At the end of the
 * wait it is not: the step ends, and no answer may still be on its way then.
 */
export function askAgainAt({ until, since, askedAt, again }: Declined): number {
  if (!again) return askedAt;
  const interval = Math.max(ASK_AGAIN_MS, Math.min((askedAt - since) / PART, ASK_AGAIN_MAX_MS));
  const at = Math.ceil(askedAt + interval);
  return at + ASK_AGAIN_MS > until ? until : at;
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
