/**
 * What the rest of the worker may ask of an AgentPool, whose name is
 * `poolObjectName(organizationId, poolId)`.
 *
 * An agent's control socket reaches it through `fetch` with path `/control`
 * after the worker has verified the assertion; who is calling travels in the
 * header `AGENT_HEADER` as JSON (`AgentIdentity`), which the worker sets itself
 * and never copies from outside. The data socket reaches the coordinator the
 * same way, with path `/agent`. Both answer 401 to an assertion that was used; the
 * pool says why it refuses in the body (`ConnectRefusal`).
 */
import type { Actor } from "#protocol/actor.ts";
import type { PoolUpdate, Presence } from "#protocol/api/pools.ts";
import type { LeaseOffer } from "#protocol/control.ts";
import type { SealedEnvelope, SealingKey } from "#protocol/sealing/envelope.ts";
import type { HeldSecret } from "#protocol/secrets.ts";
import type { QueueReason } from "#protocol/states.ts";
import type { Delivery, SealProblem } from "./deliveries.ts";
import type { LastHello } from "./hellos.ts";

export const AGENT_HEADER = "x-farhand-agent";

export interface AgentIdentity {
  agentId: string;
  name: string;
  organizationId: string;
  poolId: string;
  labels: Record<string, string>;
  /** The assertion's single-use id and when it may be forgotten, ms since the epoch (HS2). */
  jti: string;
  jtiExpiresAt: number;
  /** Of the assertion: how often the agent has tried to connect, and when it was made, seconds since the epoch (HS5). */
  counter?: number | undefined;
  issuedAt: number;
}

/** Why a pool refuses a control socket, as the body of its answer: 409 for the first, 401 for the others. */
export const CONNECT_REFUSALS = ["quarantined", "revoked", "used", "late", "uncounted"] as const;
export type ConnectRefusal = (typeof CONNECT_REFUSALS)[number];

/** Who calls; undefined when the worker did not say. */
export function identityIn(request: Request): AgentIdentity | undefined {
  const header = request.headers.get(AGENT_HEADER);
  // Written by the worker from a verified assertion; outside values never reach this header.
  return header === null ? undefined : (JSON.parse(header) as AgentIdentity);
}

export interface LeaseRequest {
  leaseId: string;
  executionId: string;
  fence: number;
  labels: Record<string, string>;
  /** Only this agent will do. */
  wantedAgentId: string | undefined;
  /** When its execution stops waiting, ms since the epoch. */
  until: number;
}

/** The agent that a lease is given to, with what steps may ask about it. */
export interface GrantedAgent {
  agentId: string;
  agentName: string;
  labels: Record<string, string>;
}

export type LeaseReply =
  | ({ outcome: "offered" } & GrantedAgent)
  | { outcome: "queued"; ahead: number; reason: QueueReason; detail?: string }
  /** It was given back, or has ended: this request was overtaken. */
  | { outcome: "over" }
  /** Nobody will ever serve it. */
  | { outcome: "hopeless"; reason: string };

/**
 * `finished`: the agent was told over its data socket. `canceled`, `abandoned`:
 * it could not be, or did not answer; the pool revokes the lease.
 * With `canceled` the execution still counts on the lease, and hears when it is gone.
 */
export type ReleaseReason = "finished" | "canceled" | "abandoned";

/** What a queued request needs when its turn comes; null when it is no longer wanted. */
export type OfferPayload = Pick<LeaseOffer, "plan" | "planDigest" | "firstStep">;

/** The agents that match labels at this moment. */
export interface MatchingNow {
  matching: number;
  /** How many of them have a free slot. */
  free: number;
  /** Agents with these labels that take no new work. */
  draining: number;
  /** Who they are, in words; absent for none. */
  drainingWords?: string;
  /** Some of them that match. */
  agents: { id: string; name: string; busy: boolean }[];
  /** By interpreter: how many of them have said that they do not have it; absent for none. */
  lacking: Record<string, number>;
  /** The same by secret. */
  lackingSecrets: Record<string, number>;
}

/** What a look at the pool is for. */
export interface AgentWish {
  labels: Record<string, string>;
  interpreters: readonly string[];
  secrets: readonly string[];
}

export interface PoolApi {
  /**
   * Asked by coordinators: offers a slot at once, or queues the request. Safe to repeat.
   * Without a payload what to offer is asked for once an agent is chosen.
   */
  requestLease(request: LeaseRequest, payload: OfferPayload | null): Promise<LeaseReply>;
  /** Asked by coordinators: the lease is over, or the request is no longer wanted. Safe to repeat. */
  releaseLease(leaseId: string, fence: number, reason: ReleaseReason): Promise<void>;
  /** The agents that match now, by name; for work on each of them. */
  matching(labels: Record<string, string>): Promise<GrantedAgent[]>;
  /** For each of these wishes: who matches now, and what they lack. */
  lookAt(wishes: AgentWish[]): Promise<MatchingNow[]>;
  /** Presence of every connected agent, by agent id. */
  presence(): Promise<Record<string, Presence>>;
  /** What these agents said of their hosts when they last connected, and until when they were there, by agent id. */
  lastHellos(agentIds: readonly string[]): Promise<Record<string, LastHello>>;
  /** What each agent has last said that it holds, by agent id; also of those that are away. */
  secrets(): Promise<Record<string, HeldSecret[]>>;
  /** Asks agents to keep a sealed secret: all of these or, when one cannot be asked, none. Safe to repeat. */
  sealSecret(name: string, envelopes: Record<string, SealedEnvelope>, actor: Actor): Promise<SealProblem[]>;
  /** Asks all that came by this secret in this way to forget it; false when nobody did. Safe to repeat. */
  removeSecret(name: string, actor: Actor): Promise<boolean>;
  /** The last that was asked of each agent for each secret, by agent id. */
  deliveries(): Promise<Record<string, Delivery[]>>;
  /** The keys that secrets are sealed to, by agent id; also of agents that are away. */
  sealingKeys(): Promise<Record<string, SealingKey>>;
  /** Changes what is not undefined. */
  configure(change: PoolUpdate): Promise<void>;
  /** Ends the agent's sockets and leases; for revocation. */
  disconnectAgent(agentId: string, reason: string): Promise<void>;
  /** Ends the agent's quarantine: the next one that connects is believed to be it (HS5). Safe to repeat. */
  releaseAgent(agentId: string): Promise<void>;
}

export function poolObjectName(organizationId: string, poolId: string): string {
  return `${organizationId}/${poolId}`;
}
