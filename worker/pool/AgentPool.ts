/**
 * One Durable Object per organization and pool. It holds every agent's control
 * socket, grants leases and keeps the queue. Output never passes through here,
 * so one noisy job slows nobody else.
 */
import { type Connection, type ConnectionContext, Server } from "partyserver";
import type { Presence } from "#protocol/api/pools.ts";
import {
  type AgentControlMessage,
  agentControlMessageSchema,
  type PoolControlMessage,
} from "#protocol/control.ts";
import {
  COMMAND_RESEND_MS,
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_PING,
  HEARTBEAT_PONG,
  HEARTBEAT_TIMEOUT_MS,
} from "#protocol/limits.ts";
import { CLOSE_CODES, parseFrame } from "#protocol/socket.ts";
import { agreeOnVersion, PROTOCOL_VERSIONS } from "#protocol/version.ts";
import type { Env } from "../env.ts";
import { coordinatorName } from "../execution/contract.ts";
import { log } from "../log.ts";
import { answerClose } from "../sockets.ts";
import { type Candidate, chooseAgent } from "./choose.ts";
import {
  identityIn,
  type LeaseReply,
  type LeaseRequest,
  type OfferPayload,
  type PoolApi,
  type ReleaseReason,
} from "./contract.ts";
import { oneAtATime } from "./oneAtATime.ts";
import { type LeaseRow, PoolStore, type QueueRow } from "./store.ts";

/** How long an agent that declined is passed over. */
const AVOID_MS = 5_000;
/** Changes of an agent's slots that follow each other this fast reach the lists as one. */
const FEED_DELAY_MS = 200;
/** An agent's description has to fit its socket's attachment. */
const HELLO_MAX_BYTES = 8 * 1024;

type Hello = Extract<AgentControlMessage, { type: "hello" }>;

/** What the pool remembers of a socket; it survives hibernation. `hello` is absent until the agent has said it. */
interface AgentSocket {
  agentId: string;
  name: string;
  labels: Record<string, string>;
  connectedAt: number;
  avoidUntil: number;
  hello?: Omit<Hello, "type" | "leases" | "protocol">;
}

type Socket = Connection<AgentSocket>;

export class AgentPool extends Server<Env> implements PoolApi {
  static override options = { hibernate: true };

  readonly #store = new PoolStore(this.ctx.storage);
  readonly #serve = oneAtATime(
    () => this.#serveQueue(),
    (error) => this.#log("error", "the queue could not be served", { error }),
  );
  #alarmAt: number | null = null;
  readonly #changed = new Set<string>();

  // --- What coordinators ask (contract.ts) ---

  async requestLease(request: LeaseRequest, payload: OfferPayload): Promise<LeaseReply> {
    const { leaseId: id, executionId, fence, labels } = request;
    const granted = this.#store.lease(id);
    if (granted) {
      return { outcome: "offered", agentId: granted.agentId, agentName: this.#nameOf(granted.agentId) };
    }
    const row: QueueRow = { id, executionId, fence, labels };
    const choice = chooseAgent(this.#candidates(), labels, Date.now());
    const socket = "agentId" in choice ? this.#socketOf(choice.agentId) : undefined;
    if (!socket?.state) {
      this.#store.enqueue(row);
      const reason = "none" in choice ? choice.none : "all_busy";
      this.#setAlarm();
      return { outcome: "queued", ahead: this.#store.ahead(id) ?? 0, reason };
    }
    this.#store.dequeue(id);
    this.#grant(row, socket.state.agentId);
    this.#offer(socket, row, payload);
    return { outcome: "offered", agentId: socket.state.agentId, agentName: socket.state.name };
  }

  async releaseLease(leaseId: string, fence: number, reason: ReleaseReason): Promise<void> {
    if (this.#store.dequeue(leaseId)) return;
    const lease = this.#store.lease(leaseId);
    if (!lease || lease.fence !== fence) return;
    const socket = this.#socketOf(lease.agentId);
    // An agent that is away is told when it comes back: it names the lease, and nobody here knows it.
    if (!socket) return this.#free(lease);
    this.#store.setStatus(leaseId, "released", Date.now());
    if (reason !== "finished") this.#revoke(socket, lease, reason);
    this.#setAlarm();
  }

  async presence(): Promise<Record<string, Presence>> {
    const all: Record<string, Presence> = {};
    for (const socket of this.#sockets()) {
      const presence = this.#presenceOf(socket);
      if (socket.state && presence) all[socket.state.agentId] = presence;
    }
    return all;
  }

  async disconnectAgent(agentId: string, reason: string): Promise<void> {
    const leases = this.#store.leasesOf(agentId);
    for (const socket of this.#sockets()) {
      if (socket.state?.agentId !== agentId) continue;
      for (const lease of leases) this.#revoke(socket, lease, reason);
      socket.close(CLOSE_CODES.revoked, reason.slice(0, 120));
    }
    for (const lease of leases) {
      const told = this.#coordinator(lease).leaseLost(lease.id, lease.fence, reason);
      // Kept until its coordinator knows, so that asking again finishes what was cut short.
      this.#background(told.then(() => this.#free(lease)));
    }
    this.#announce(agentId);
  }

  // --- Sockets ---

  override async fetch(request: Request): Promise<Response> {
    try {
      const agent = identityIn(request);
      if (!agent || !this.#store.spendAssertion(agent.jti, agent.jtiExpiresAt, Date.now())) {
        return new Response(null, { status: 401 });
      }
      return await super.fetch(request);
    } catch (error) {
      this.#log("error", "a request failed", { error });
      return new Response(null, { status: 500 });
    }
  }

  override onStart(): void {
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(HEARTBEAT_PING, HEARTBEAT_PONG));
  }

  override onRequest(): Response {
    return new Response(null, { status: 404 });
  }

  override onConnect(socket: Socket, { request }: ConnectionContext): void {
    const agent = identityIn(request);
    if (!agent) return;
    const { agentId, name, labels } = agent;
    socket.setState({ agentId, name, labels, connectedAt: Date.now(), avoidUntil: 0 });
    this.#setAlarm();
  }

  override onMessage(socket: Socket, frame: string | ArrayBuffer): void {
    try {
      const state = socket.state;
      if (!state || frame === HEARTBEAT_PING) return;
      const parsed = typeof frame === "string" ? parseFrame(agentControlMessageSchema, frame) : undefined;
      if (!parsed?.ok) return refuse(socket, parsed?.reason ?? "control frames are JSON text");
      const message = parsed.message;
      if (message.type === "hello") return this.#hello(socket, message);
      if (!state.hello) return refuse(socket, `${message.type} before hello`);
      this.#report(socket, state.agentId, message);
    } catch (error) {
      this.#log("error", "a frame could not be handled", { error });
      socket.close(CLOSE_CODES.restart, "internal error; reconnect");
    }
  }

  override onClose(socket: Socket, code: number): void {
    answerClose(socket, code);
    if (socket.state) this.#announce(socket.state.agentId);
  }

  override onError(socket: Socket): void {
    if (socket.state) this.#announce(socket.state.agentId);
  }

  override onAlarm(): void {
    this.#alarmAt = null;
    try {
      this.#endSilentSockets();
      this.#repeatUnanswered();
      this.#handOut();
    } catch (error) {
      this.#log("error", "the alarm failed; it is set again", { error });
    }
    this.#setAlarm();
  }

  // --- What agents say ---

  #hello(socket: Socket, message: Hello): void {
    const { type, leases, protocol, ...hello } = message;
    const state = socket.state;
    if (!state) return;
    const version = agreeOnVersion(protocol, PROTOCOL_VERSIONS);
    if (!version.agreed) {
      return socket.close(
        CLOSE_CODES.upgradeRequired,
        `no common protocol version: upgrade the ${version.upgrade}`,
      );
    }
    if (JSON.stringify(hello).length > HELLO_MAX_BYTES)
      return refuse(socket, `${type}: labels are over 8 KiB`);
    for (const other of this.#sockets()) {
      if (other.id !== socket.id && other.state?.agentId === state.agentId) {
        other.close(CLOSE_CODES.replaced, "the agent opened a newer socket");
      }
    }
    socket.setState({ ...state, hello });
    const { agentId } = state;
    send(socket, {
      type: "welcome",
      protocol: version.version,
      agentId,
      time: Date.now(),
      heartbeatMs: HEARTBEAT_INTERVAL_MS,
    });
    this.#log("info", "agent connected", { agentId, agentVersion: hello.agentVersion });
    this.#reconcile(socket, agentId, leases);
    this.#announce(agentId);
    this.#handOut();
    this.#setAlarm();
  }

  /** Brings both ends' idea of the agent's leases together after a loss of contact. */
  #reconcile(socket: Socket, agentId: string, told: Hello["leases"]): void {
    const known = this.#store.leasesOf(agentId);
    for (const lease of known) {
      const held = told.some((each) => each.id === lease.id && each.fence === lease.fence);
      if (held && lease.status === "released") this.#revoke(socket, lease, "finished");
      else if (held) this.#store.setStatus(lease.id, "accepted", Date.now());
      else this.#forget(lease);
    }
    for (const { id, fence, state } of told) {
      const unknown = state === "active" && !known.some((lease) => lease.id === id && lease.fence === fence);
      if (unknown) this.#revoke(socket, { id, fence }, "this lease is over");
    }
  }

  /** The agent does not hold it: an offer that never arrived, or a lease it has lost. */
  #forget(lease: LeaseRow): void {
    this.#free(lease);
    if (lease.status === "offered") {
      this.#background(
        this.#coordinator(lease).leaseFailed(
          lease.id,
          lease.fence,
          "the offer did not reach the agent",
          true,
        ),
      );
    } else if (lease.status === "accepted") {
      this.#background(
        this.#coordinator(lease).leaseLost(
          lease.id,
          lease.fence,
          "its agent came back without any record of it",
        ),
      );
    }
  }

  #report(socket: Socket, agentId: string, message: Exclude<AgentControlMessage, Hello>): void {
    if (message.type === "ack") return;
    const lease = this.#store.lease(message.leaseId);
    if (!lease || lease.agentId !== agentId || lease.fence !== message.fence) return;
    switch (message.type) {
      case "lease.accepted":
        if (lease.status === "offered") this.#store.setStatus(lease.id, "accepted", Date.now());
        return;
      case "lease.declined": {
        const { reason, detail } = message;
        const state = socket.state;
        if (state) socket.setState({ ...state, avoidUntil: Date.now() + AVOID_MS });
        this.#free(lease);
        const retry = reason !== "plan_rejected";
        this.#background(
          this.#coordinator(lease).leaseFailed(lease.id, lease.fence, detail || reason, retry),
        );
        return this.#setAlarm();
      }
      case "lease.ended":
        this.#free(lease);
        return this.#handOut();
      default:
        message satisfies never;
    }
  }

  // --- Granting ---

  #candidates(): Candidate[] {
    const candidates: Candidate[] = [];
    for (const { state } of this.#sockets()) {
      if (!state?.hello) continue;
      const { agentId, avoidUntil, hello } = state;
      const { slots, draining } = hello;
      // What the server knows of an agent counts more than what it says of itself.
      const labels = { ...hello.labels, ...state.labels };
      candidates.push({ agentId, labels, slots, draining, busy: this.#store.busy(agentId), avoidUntil });
    }
    return candidates;
  }

  #grant(row: QueueRow, agentId: string): void {
    this.#store.addLease(row, agentId, Date.now());
    this.#announce(agentId);
    this.#setAlarm();
  }

  #free(lease: LeaseRow): void {
    this.#store.removeLease(lease);
    this.#announce(lease.agentId);
  }

  #offer(socket: Socket, { id, executionId, fence }: QueueRow, payload: OfferPayload): void {
    send(socket, { type: "lease.offer", id: `offer:${id}`, lease: { id, executionId, fence }, ...payload });
  }

  #revoke(socket: Socket, { id, fence }: Pick<LeaseRow, "id" | "fence">, reason: string): void {
    send(socket, {
      type: "lease.revoke",
      id: `revoke:${id}`,
      leaseId: id,
      fence,
      reason: reason.slice(0, 200),
    });
  }

  /** Gives free slots to whoever waits, first come first served among those an agent fits. */
  #handOut(): void {
    this.#background(this.#serve().then(() => this.#setAlarm()));
  }

  async #serveQueue(): Promise<void> {
    for (const row of this.#store.queue()) {
      const choice = chooseAgent(this.#candidates(), row.labels, Date.now());
      if ("none" in choice || !this.#store.dequeue(row.id)) continue;
      this.#grant(row, choice.agentId);
      // One that cannot be asked now is asked again by the alarm.
      await this.#offerQueued(row, choice.agentId).catch((error) => this.#failed(error));
    }
  }

  /** Asks the coordinator what to offer: plans are not kept here, and the request may no longer stand. */
  async #offerQueued(row: QueueRow, agentId: string): Promise<void> {
    const payload = await this.#coordinator(row).offerTo(row.id, row.fence, agentId, this.#nameOf(agentId));
    const lease = this.#store.lease(row.id);
    // Settled while the coordinator was asked: accepted, or given back.
    if (lease?.status !== "offered") return;
    const socket = this.#socketOf(agentId);
    if (!payload) this.#free(lease);
    // A socket that closed meanwhile: the agent's next hello settles it.
    else if (socket) this.#offer(socket, row, payload);
  }

  // --- Time ---

  /** Says again what agents have not answered (CM1). */
  #repeatUnanswered(): void {
    const before = Date.now() - COMMAND_RESEND_MS;
    for (const lease of this.#store.leasesSince("released", before)) {
      const socket = this.#socketOf(lease.agentId);
      if (!socket) this.#free(lease);
      else {
        this.#revoke(socket, lease, "finished");
        this.#store.setStatus(lease.id, "released", Date.now());
      }
    }
    for (const lease of this.#store.leasesSince("offered", before)) {
      // Also for an agent that is away: else the alarm would be due again at once, for ever.
      this.#store.setStatus(lease.id, "offered", Date.now());
      if (!this.#socketOf(lease.agentId)) continue;
      this.#background(this.#offerQueued(lease, lease.agentId));
    }
  }

  #endSilentSockets(): void {
    for (const socket of this.#sockets()) {
      if (this.#lastSeen(socket) + HEARTBEAT_TIMEOUT_MS > Date.now()) continue;
      socket.close(CLOSE_CODES.silent, "no heartbeat for 45 s");
      if (socket.state) this.#announce(socket.state.agentId);
    }
  }

  #lastSeen(socket: Socket): number {
    const beat = this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
    return Math.max(beat, socket.state?.connectedAt ?? 0);
  }

  #setAlarm(): void {
    const now = Date.now();
    const waits: number[] = [];
    for (const socket of this.#sockets()) waits.push(this.#lastSeen(socket) + HEARTBEAT_TIMEOUT_MS);
    const unanswered = this.#store.oldestUnanswered();
    if (unanswered !== undefined)
      waits.push(Math.max(unanswered, now - COMMAND_RESEND_MS) + COMMAND_RESEND_MS);
    if (waits.length > 0 && this.#store.queue().length > 0) waits.push(now + AVOID_MS);
    if (waits.length === 0) return;
    const at = Math.max(Math.min(...waits), now + 1);
    // One that comes earlier than needed only looks and sets itself again: cheaper than a write each time.
    if (this.#alarmAt !== null && this.#alarmAt <= at && this.#alarmAt > now) return;
    this.#alarmAt = at;
    this.#background(this.ctx.storage.setAlarm(at));
  }

  // --- Odds and ends ---

  #sockets(): Iterable<Socket> {
    return this.getConnections<AgentSocket>();
  }

  #socketOf(agentId: string): Socket | undefined {
    for (const socket of this.#sockets()) {
      if (socket.state?.agentId === agentId && socket.state.hello) return socket;
    }
    return undefined;
  }

  #nameOf(agentId: string): string {
    return this.#socketOf(agentId)?.state?.name ?? agentId;
  }

  #presenceOf({ state }: Socket): Presence | undefined {
    if (!state?.hello) return undefined;
    const { hostname, os, arch, agentVersion, slots, draining } = state.hello;
    const connectedAt = new Date(state.connectedAt).toISOString();
    const busySlots = this.#store.busy(state.agentId);
    return { connectedAt, hostname, os, arch, agentVersion, slots, busySlots, draining };
  }

  /** Tells the organization's lists about an agent, once for a burst of changes. */
  #announce(agentId: string): void {
    if (this.#changed.size === 0) {
      setTimeout(() => {
        const feed = this.env.ORGANIZATION_FEED.getByName(this.#organizationId);
        for (const id of this.#changed) {
          const socket = this.#socketOf(id);
          const presence = socket && this.#presenceOf(socket);
          this.#background(feed.publish({ type: "agent", agentId: id, presence }));
        }
        this.#changed.clear();
      }, FEED_DELAY_MS);
    }
    this.#changed.add(agentId);
  }

  #coordinator({ executionId }: { executionId: string }) {
    return this.env.EXECUTION_COORDINATOR.getByName(coordinatorName(this.#organizationId, executionId));
  }

  get #organizationId(): string {
    return this.name.split("/")[0] ?? "";
  }

  #background(work: Promise<unknown>): void {
    this.ctx.waitUntil(work.catch((error) => this.#failed(error)));
  }

  #failed(error: unknown): void {
    this.#log("warn", "a call to another object failed", { error });
  }

  #log(level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>): void {
    const [organizationId, poolId] = this.name.split("/");
    log(level, message, { organizationId, poolId, ...fields });
  }
}

function send(socket: Socket, message: PoolControlMessage): void {
  socket.send(JSON.stringify(message));
}

function refuse(socket: Socket, reason: string): void {
  socket.close(CLOSE_CODES.protocolError, reason.slice(0, 120));
}
