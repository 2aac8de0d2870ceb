/** Rule HS3, as a pure decision: when to say `ping`, and when silence means death. */
import { HEARTBEAT_INTERVAL_MS, HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";

/** Monotonic ms of the last `ping` sent and of the last frame of any kind heard. */
export interface Pulse {
  pingedAt: number;
  heardAt: number;
}

export type Beat = { type: "dead" } | { type: "ping" } | { type: "wait"; until: number };

export function beat(pulse: Pulse, now: number): Beat {
  const deadAt = pulse.heardAt + HEARTBEAT_TIMEOUT_MS;
  if (now >= deadAt) return { type: "dead" };
  const pingAt = pulse.pingedAt + HEARTBEAT_INTERVAL_MS;
  if (now >= pingAt) return { type: "ping" };
  return { type: "wait", until: Math.min(deadAt, pingAt) };
}
