/** What the pool knows of a connected agent, and what others are told of it. Pure. */
import type { Presence } from "#protocol/api/pools.ts";
import type { AgentControlMessage, PoolControlMessage } from "#protocol/control.ts";
import { HEARTBEAT_INTERVAL_MS } from "#protocol/limits.ts";
import { CLOSE_CODES } from "#protocol/socket.ts";
import { agreeOnVersion, PROTOCOL_VERSIONS } from "#protocol/version.ts";
import type { Candidate } from "./choose.ts";
import type { AgentIdentity } from "./contract.ts";
import { avoidMs } from "./deadlines.ts";

/** An agent's description has to fit its socket's attachment. */
const HELLO_MAX_BYTES = 8 * 1024;

export type Hello = Extract<AgentControlMessage, { type: "hello" }>;

/** What the pool remembers of a socket; it survives hibernation. `hello` is absent until the agent has said it. */
export interface AgentSocket {
  agentId: string;
  name: string;
  labels: Record<string, string>;
  connectedAt: number;
  avoidUntil: number;
  /** Why it declined last, in words. */
  declined?: string;
  /** How often it has declined since it last accepted. */
  declines?: number;
  hello?: Omit<Hello, "type" | "leases" | "protocol" | "interpreters" | "secrets" | "sealing"> & {
    interpreters?: readonly string[];
  };
}

export function newSocket({ agentId, name, labels }: AgentIdentity, now: number): AgentSocket {
  return { agentId, name, labels, connectedAt: now, avoidUntil: 0 };
}

/** It has declined: it is passed over for a while, for longer when it does so again and again. */
export function afterDecline(state: AgentSocket, declined: string, now: number): AgentSocket {
  // This was offered before it began to be passed over.
  if (state.avoidUntil > now) return { ...state, declined };
  const declines = (state.declines ?? 0) + 1;
  return { ...state, declined, declines, avoidUntil: now + avoidMs(declines) };
}

/** It takes work: that it once declined is forgotten, unless it was since this was offered. */
export function afterAccept(state: AgentSocket, now: number): AgentSocket {
  return { ...state, declines: 0, avoidUntil: state.avoidUntil > now ? state.avoidUntil : 0 };
}

export type Greeting =
  | { ok: true; state: AgentSocket; welcome: PoolControlMessage }
  | { ok: false; code: number; reason: string };

/** The answer to a hello: welcome, or why the socket has to close. */
export function greet(
  state: AgentSocket,
  message: Hello,
  now: number,
  wantedVersion: string | undefined,
): Greeting {
  const { type, leases: _, secrets: __, sealing: ___, protocol, ...hello } = message;
  const version = agreeOnVersion(protocol, PROTOCOL_VERSIONS);
  if (!version.agreed) {
    const reason = `no common protocol version: upgrade the ${version.upgrade}`;
    return { ok: false, code: CLOSE_CODES.upgradeRequired, reason };
  }
  if (JSON.stringify(hello).length > HELLO_MAX_BYTES) {
    return { ok: false, code: CLOSE_CODES.protocolError, reason: `${type}: labels are over 8 KiB` };
  }
  const { agentId } = state;
  return {
    ok: true,
    state: { ...state, hello },
    welcome: {
      type: "welcome",
      protocol: version.version,
      agentId,
      time: now,
      heartbeatMs: HEARTBEAT_INTERVAL_MS,
      // An agent from before there was this would take it for an error.
      ...(hello.update && wantedVersion !== undefined && { wantedVersion }),
    },
  };
}

/** The agent as one to choose from; undefined before its hello. */
export function candidateOf(
  { agentId, labels, avoidUntil, hello }: AgentSocket,
  busy: number,
): Candidate | undefined {
  if (!hello) return undefined;
  const { slots, draining, interpreters } = hello;
  // What the server knows of an agent counts more than what it says of itself.
  return { agentId, labels: { ...hello.labels, ...labels }, slots, draining, busy, avoidUntil, interpreters };
}

/** What lists show of the agent; undefined before its hello. */
export function presenceOf(
  { connectedAt, hello }: AgentSocket,
  busySlots: number,
  wantedVersion: string | undefined,
): Presence | undefined {
  if (!hello) return undefined;
  const { hostname, os, arch, agentVersion, slots, draining, policy, update } = hello;
  const since = new Date(connectedAt).toISOString();
  return {
    ...{ connectedAt: since, hostname, os, arch, agentVersion, slots, busySlots, draining },
    ...(policy && { policyDigest: policy.digest }),
    ...(update && { update }),
    ...(update && wantedVersion !== undefined && { wantedVersion }),
  };
}
