/**
 * A circuit breaker: a host that failed several times in a row is left alone
 * for a while, then one request finds out whether it is back. Pure; times in ms.
 */
import type { Admission } from "./contract.ts";

/** So many failures in a row, none of them older than the window, open the circuit. */
export const FAILURES_MAX = 5;
export const WINDOW_MS = 60_000;

/** How long nothing is let through: at first, and at most once probes have failed. */
export const COOL_DOWN_MS = 30_000;
export const COOL_DOWN_MAX_MS = 10 * 60_000;

/** A probe that has not reported by then is lost; longer than any request from the edge may take. */
export const PROBE_MS = 90_000;

export type Circuit =
  /** When the latest failures were reported. */
  | { state: "closed"; failures: readonly number[] }
  | { state: "open"; until: number; coolDownMs: number }
  | { state: "half-open"; probeUntil: number; coolDownMs: number };

/** What a host is that nothing is known of. */
export const CLOSED: Circuit = { state: "closed", failures: [] };

/** Whether a request may go to the host now, and the circuit after that. */
export function admit(circuit: Circuit, now: number): { circuit: Circuit; admission: Admission } {
  if (circuit.state === "closed") return { circuit, admission: { allowed: true, probe: false } };
  const retryAt = circuit.state === "open" ? circuit.until : circuit.probeUntil;
  if (now < retryAt) return { circuit, admission: { allowed: false, retryAt } };
  const { coolDownMs } = circuit;
  return {
    circuit: { state: "half-open", probeUntil: now + PROBE_MS, coolDownMs },
    admission: { allowed: true, probe: true },
  };
}

/**
 * The circuit after a request has ended. Once it is no longer closed only a
 * probe counts: the other requests began before and say nothing new.
 */
export function reported(circuit: Circuit, ok: boolean, probe: boolean, now: number): Circuit {
  switch (circuit.state) {
    case "closed": {
      if (ok) return CLOSED;
      const failures = [...circuit.failures.filter((at) => now - at < WINDOW_MS), now];
      return failures.length < FAILURES_MAX ? { state: "closed", failures } : open(now, COOL_DOWN_MS);
    }
    case "half-open":
      if (!probe) return circuit;
      return ok ? CLOSED : open(now, Math.min(circuit.coolDownMs * 2, COOL_DOWN_MAX_MS));
    case "open":
      return circuit;
    default:
      return circuit satisfies never;
  }
}

function open(now: number, coolDownMs: number): Circuit {
  return { state: "open", until: now + coolDownMs, coolDownMs };
}
