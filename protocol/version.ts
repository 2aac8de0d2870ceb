/**
 * The one place that says which wire protocol this build speaks (rule HS1).
 *
 * The WebSocket subprotocol names the family and changes only when the framing
 * itself breaks; the version range inside `hello` moves with every change of a
 * message. Two ends that share a version talk; two that do not close with a
 * reason that says which of them has to be upgraded.
 */
export const SUBPROTOCOL = "farhand.v1";

/** Inclusive range of message versions this build understands. */
export const PROTOCOL_VERSIONS = { min: 1, max: 1 } as const;

export interface VersionRange {
  min: number;
  max: number;
}

export type VersionAgreement =
  | { agreed: true; version: number }
  | { agreed: false; upgrade: "agent" | "server" };

/** Picks the highest version both ends speak, or says which end is too old. */
export function agreeOnVersion(agent: VersionRange, server: VersionRange): VersionAgreement {
  const version = Math.min(agent.max, server.max);
  if (version >= agent.min && version >= server.min) return { agreed: true, version };
  return { agreed: false, upgrade: agent.max < server.min ? "agent" : "server" };
}
