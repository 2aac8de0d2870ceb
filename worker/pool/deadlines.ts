/** When the pool has to look again. Pure; times in ms since the epoch. */
import { COMMAND_RESEND_MS } from "#protocol/limits.ts";

/** How long an agent that declined is passed over: the first time, and at most. */
export const AVOID_MS = 5_000;
const AVOID_MAX_MS = 60_000;

/** The same after so many declines in a row: each is half a dozen events in its execution's log. */
export function avoidMs(declines: number): number {
  return Math.min(AVOID_MS * 2 ** (declines - 1), AVOID_MAX_MS);
}

/**
 * How long after an agent accepted a lease, and after each answer, its execution
 * is asked whether it still wants it. Looked at when the alarm rings anyway, as
 * it does for every connected agent.
 */
export const ASK_MS = 60_000;

/** How long after an organization was told of a quarantine, and did not take it, it is told again. */
export const TELL_AGAIN_MS = 30_000;

/** How long a lease that is over is remembered: a call that was overtaken is answered or given up long before. */
export const OVER_KEPT_MS = 10 * 60_000;

/** How old what is known of the newest release may get; looked at when the alarm rings anyway. */
export const LATEST_KEPT_MS = 10 * 60_000;

export interface PoolWaits {
  /** When the first socket counts as dead, unless it is heard of; undefined without sockets. */
  silentAt: number | undefined;
  /** When the oldest lease that waits for its agent's word got its status. */
  unansweredSince: number | undefined;
  isQueueing: boolean;
  /** Whether requests are queued of which it has to be told that nobody will serve them. */
  isHopeless: boolean;
  /** When a sealed secret has to be told again, or is given up. */
  deliveryAt: number | undefined;
  /** When a quarantine that the organization may not have heard of was last told. */
  untoldSince: number | undefined;
}

/** The earliest of all waits; undefined when nothing is waited for. */
export function nextLook(
  { silentAt, unansweredSince, isQueueing, isHopeless, deliveryAt, untoldSince }: PoolWaits,
  now: number,
): number | undefined {
  const waits: number[] = [];
  if (silentAt !== undefined) waits.push(silentAt);
  if (unansweredSince !== undefined) waits.push(Math.max(unansweredSince + COMMAND_RESEND_MS, now));
  if (deliveryAt !== undefined) waits.push(deliveryAt);
  if (untoldSince !== undefined) waits.push(untoldSince + TELL_AGAIN_MS);
  // Without an agent there is nobody to serve the queue; the first hello does.
  if (isHopeless || (silentAt !== undefined && isQueueing)) waits.push(now + AVOID_MS);
  return waits.length === 0 ? undefined : Math.max(Math.min(...waits), now + 1);
}
