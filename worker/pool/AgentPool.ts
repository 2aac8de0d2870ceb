/**
 * One Durable Object per organization and pool. It holds every agent's control
 * socket, grants leases and keeps the queue. Output never passes through here,
 * so one noisy step slows nobody else. It is long because it has a method for
 * each thing that agents and others may ask; decisions and rows are in the modules beside it.
 */
import type { ConnectionContext } from "partyserver";
import type { Actor } from "#protocol/actor.ts";
import type { PoolUpdate, Presence } from "#protocol/api/pools.ts";
import { type AgentControlMessage, agentControlMessageSchema } from "#protocol/control.ts";
import {
  COMMAND_RESEND_MS,
  FRAME_MAX_BYTES,
  HEARTBEAT_PING,
  HEARTBEAT_TIMEOUT_MS,
} from "#protocol/limits.ts";
import type { SealedEnvelope, SealingKey } from "#protocol/sealing/envelope.ts";
import { type HeldSecret, SEALED_TYPE, SECRETS_TOLD_MAX } from "#protocol/secrets.ts";
import { CLOSE_CODES, parseFrame } from "#protocol/socket.ts";
import type { QueueReason } from "#protocol/states.ts";
import { coordinatorName } from "../execution/contract.ts";
import { latestVersion } from "../releases.ts";
import { noteQuarantine } from "../services/agents/quarantine.ts";
import { SocketObject } from "../socketObject.ts";
import { answerClose } from "../sockets.ts";
import {
  assign,
  type Candidate,
  type Choice,
  chooseAgent,
  drainingAgents,
  lackingOf,
  matchingAgents,
  toldInterpreters,
} from "./choose.ts";
import { Connected, refuse, type Socket, send } from "./connected.ts";
import {
  type AgentIdentity,
  type AgentWish,
  type ConnectRefusal,
  type GrantedAgent,
  identityIn,
  type LeaseReply,
  type LeaseRequest,
  type MatchingNow,
  type OfferPayload,
  type PoolApi,
  type ReleaseReason,
} from "./contract.ts";
import { ASK_MS, LATEST_KEPT_MS, nextLook, OVER_KEPT_MS } from "./deadlines.ts";
import { Deliveries, type Delivery, type SealProblem } from "./deliveries.ts";
import { Hellos, type LastHello } from "./hellos.ts";
import {
  type LeaseAction,
  type LeaseReport,
  offerCommand,
  reconcile,
  reported,
  revokeCommand,
  unanswered,
} from "./leases.ts";
import { decliningWords, drainingWords, missingWords } from "./missing.ts";
import { type AgentSocket, afterAccept, afterDecline, greet, type Hello, newSocket } from "./presence.ts";
import { Quarantines } from "./quarantines.ts";
import { type LeaseRow, PoolStore, type QueueRow } from "./store.ts";

type SecretAnswer = Extract<AgentControlMessage, { type: "secret.answer" }>;

/** Changes of an agent's slots that follow each other this fast reach the lists as one. */
const FEED_DELAY_MS = 200;

/** Told to whoever is connected when a clone is found; fits into a close frame. */
const CLONE_WORDS = "two machines use this agent's key: both are stopped until a person has put it right";

/** Told of a request that only a revoked agent could have served. */
const HOPELESS_WORDS = "the only agent that it may run on was revoked; start the execution again for another";

/** Most agents that a look at the pool names. */
const NAMED_MAX = 20;

export class AgentPool extends SocketObject implements PoolApi {
  readonly #store = new PoolStore(this.ctx.storage);
  readonly #agents = new Connected({
    sockets: (agentId) => this.#sockets(agentId),
    busy: (agentId) => this.#store.busy(agentId),
    wantedVersion: () => this.#store.wantedVersion,
  });
  readonly #deliveries = new Deliveries(this.ctx.storage, (agentId, command) => {
    const socket = this.#agents.socketOf(agentId);
    if (socket) send(socket, command);
    return socket !== undefined;
  });
  readonly #hellos = new Hellos(this.ctx.storage);
  readonly #quarantines = new Quarantines(this.ctx.storage, {
    note: (found) => noteQuarantine(this.env, { ...found, ...this.#place }),
    background: (work) => this.background(work),
  });
  readonly #changed = new Set<string>();
  /** No socket counts as dead before this, ms since the epoch; 0 when they have to be looked at. */
  #quietUntil = 0;

  // --- What coordinators ask (contract.ts) ---

  async requestLease(request: LeaseRequest, payload: OfferPayload | null): Promise<LeaseReply> {
    const { leaseId: id, executionId, fence, labels, wantedAgentId, until } = request;
    const agentId = this.#store.lease(id)?.agentId;
    if (agentId) return { outcome: "offered", ...this.#agents.describe(agentId) };
    if (this.#store.isOver(id)) return { outcome: "over" };
    if (wantedAgentId !== undefined && this.#store.isRevoked(wantedAgentId)) {
      return { outcome: "hopeless", reason: HOPELESS_WORDS };
    }
    this.#store.dropExpired(Date.now());
    const row: QueueRow = { id, executionId, fence, labels, wantedAgentId };
    const choice: Choice =
      this.#store.room > 0
        ? chooseAgent(this.#agents.candidates(wantedAgentId), row, Date.now())
        : { none: "pool_full" };
    const socket = "agentId" in choice ? this.#agents.socketOf(choice.agentId) : undefined;
    if (!socket?.state) {
      this.#store.enqueue(row, until);
      const reason = "none" in choice ? choice.none : "all_busy";
      this.#setAlarm();
      const detail = this.#queueWords(reason, row);
      return { outcome: "queued", ahead: this.#store.ahead(id) ?? 0, reason, detail };
    }
    this.#store.dequeue(id);
    this.#grant(row, socket.state.agentId);
    if (payload) send(socket, offerCommand(row, payload));
    else this.background(this.#offerQueued(row, socket.state.agentId));
    return { outcome: "offered", ...this.#agents.describe(socket.state.agentId) };
  }

  /** What there is to say beside the reason for which nobody takes it. */
  #queueWords(reason: QueueReason, { labels, wantedAgentId }: QueueRow): string | undefined {
    const isOpen = wantedAgentId === undefined;
    if (reason === "no_agent_matches" && isOpen) return missingWords(this.#agents.named(), labels);
    const asked = isOpen ? labels : {};
    if (reason === "agents_drain") {
      return drainingWords(this.#draining(this.#agents.candidates(wantedAgentId), asked), asked);
    }
    if (reason !== "agents_decline") return undefined;
    const able = matchingAgents(this.#agents.candidates(wantedAgentId), asked);
    const ids = able.map(({ agentId }) => agentId);
    return decliningWords(this.#agents.declining(ids, Date.now()));
  }

  /** Names, in order, of those that have the labels and take no new work. */
  #draining(candidates: readonly Candidate[], labels: Record<string, string>): string[] {
    return drainingAgents(candidates, labels)
      .map(({ agentId }) => this.#agents.nameOf(agentId))
      .sort();
  }

  async releaseLease(leaseId: string, fence: number, reason: ReleaseReason): Promise<void> {
    this.#store.dequeue(leaseId);
    const lease = this.#store.lease(leaseId);
    if (!lease) return this.#store.noteOver(leaseId, Date.now());
    if (lease.fence !== fence) return;
    const socket = this.#agents.socketOf(lease.agentId);
    // A cancel is said again until the agent is back, or the execution no longer counts on it.
    if (!socket && reason === "canceled") return;
    // An agent that is away is told when it comes back: it names the lease, and nobody here knows it.
    if (!socket) return this.#free(lease);
    this.#store.setStatus(leaseId, reason === "canceled" ? "revoked" : "released", Date.now());
    if (reason !== "finished") send(socket, revokeCommand(lease, reason));
    this.#setAlarm();
  }

  async matching(labels: Record<string, string>): Promise<GrantedAgent[]> {
    return matchingAgents(this.#agents.candidates(), labels)
      .map(({ agentId }) => this.#agents.describe(agentId))
      .sort((one, other) => one.agentName.localeCompare(other.agentName));
  }

  async lookAt(wishes: AgentWish[]): Promise<MatchingNow[]> {
    const candidates = this.#agents.candidates();
    const asksSecrets = wishes.some(({ secrets }) => secrets.length > 0);
    const held = asksSecrets ? this.#store.secrets() : new Map<string, HeldSecret[]>();
    return wishes.map(({ labels, interpreters, secrets }) => {
      const matching = matchingAgents(candidates, labels);
      const agents = matching.slice(0, NAMED_MAX).map(({ agentId, busy, slots }) => {
        return { id: agentId, name: this.#agents.nameOf(agentId), busy: busy >= slots };
      });
      const free = matching.filter(({ busy, slots }) => busy < slots).length;
      const lacking = lackingOf(matching, toldInterpreters(interpreters), (agent) => agent.interpreters);
      const lackingSecrets = lackingOf(matching, secrets, ({ agentId }) => namesOf(held.get(agentId)));
      const draining = this.#draining(candidates, labels);
      return {
        ...{ matching: matching.length, free, agents, lacking, lackingSecrets, draining: draining.length },
        ...(draining.length > 0 && { drainingWords: drainingWords(draining, labels) }),
      };
    });
  }

  async secrets(): Promise<Record<string, HeldSecret[]>> {
    return Object.fromEntries(this.#store.secrets());
  }

  async sealSecret(
    name: string,
    envelopes: Record<string, SealedEnvelope>,
    actor: Actor,
  ): Promise<SealProblem[]> {
    const now = Date.now();
    const problems = this.#deliveries.put(envelopes, { name, actor, now });
    if (problems.length === 0) {
      this.log("info", "a secret was sealed", { secret: name, actor, agents: Object.keys(envelopes) });
    }
    this.#setAlarm();
    return problems;
  }

  async removeSecret(name: string, actor: Actor): Promise<boolean> {
    const holds = ([, held]: [string, HeldSecret[]]) =>
      held.some((secret) => secret.name === name && secret.type === SEALED_TYPE);
    const holders = [...this.#store.secrets()].filter(holds).map(([agentId]) => agentId);
    const agents = [...new Set([...holders, ...this.#deliveries.askedFor(name)])];
    if (agents.length === 0) return false;
    this.#deliveries.remove(agents, { name, actor, now: Date.now() });
    this.log("info", "a secret was removed", { secret: name, actor, agents });
    this.#setAlarm();
    return true;
  }

  async deliveries(): Promise<Record<string, Delivery[]>> {
    return Object.fromEntries(this.#deliveries.all());
  }

  async sealingKeys(): Promise<Record<string, SealingKey>> {
    return Object.fromEntries(this.#deliveries.keys());
  }

  async configure({ maxLeases, agentVersion }: PoolUpdate): Promise<void> {
    if (maxLeases !== undefined) {
      this.#store.setLimit(maxLeases);
      this.#handOut();
    }
    if (agentVersion !== undefined) {
      this.#changeWanted(() => {
        this.#store.agentVersion = agentVersion;
      });
    }
  }

  async presence(): Promise<Record<string, Presence>> {
    return this.#agents.presence();
  }

  async lastHellos(agentIds: readonly string[]): Promise<Record<string, LastHello>> {
    return this.#hellos.of(agentIds);
  }

  async disconnectAgent(agentId: string, reason: string): Promise<void> {
    this.#store.noteRevoked(agentId);
    this.#cutOff(agentId, CLOSE_CODES.revoked, reason);
    this.#failHopeless();
    this.#quarantines.forget(agentId);
    this.#deliveries.forget(agentId);
    this.#hellos.forget(agentId);
  }

  async releaseAgent(agentId: string): Promise<void> {
    await this.#quarantines.release(agentId);
  }

  /** Ends all that an agent has of this pool. */
  #cutOff(agentId: string, code: number, reason: string): void {
    const leases = this.#store.leasesOf(agentId);
    for (const socket of this.#agents.allOf(agentId)) {
      for (const lease of leases) send(socket, revokeCommand(lease, reason));
      socket.close(code, reason.slice(0, 120));
    }
    for (const lease of leases) this.#lose(lease, reason, true);
    // What it had a lease of lately it may still be connected to.
    for (const executionId of this.#store.executionsOf(agentId)) {
      this.background(this.#coordinator({ executionId }).endAgent(agentId, reason));
    }
    this.#store.noteSecrets(agentId, undefined);
    this.#announce(agentId);
    this.#setAlarm();
  }

  // --- Sockets ---

  override async fetch(request: Request): Promise<Response> {
    try {
      const agent = identityIn(request);
      const refusal = agent ? this.#refusalOf(agent) : "revoked";
      if (refusal) return new Response(refusal, { status: refusal === "quarantined" ? 409 : 401 });
      return await super.fetch(request);
    } catch (error) {
      this.log("error", "a request failed", { error });
      return new Response(null, { status: 500 });
    }
  }

  /** Why an agent may not open a control socket. */
  #refusalOf(agent: AgentIdentity): ConnectRefusal | undefined {
    const { agentId, counter } = agent;
    // One that was let in just before its agent was revoked comes too late.
    if (this.#store.isRevoked(agentId)) return "revoked";
    if (!this.#store.spendAssertion(agent, Date.now())) return "used";
    const verdict = this.#quarantines.judge(agent, Date.now());
    switch (verdict) {
      case "new":
        return undefined;
      case "clone":
        this.log("warn", "two machines use one agent's key", { agentId, counter });
        this.#cutOff(agentId, CLOSE_CODES.quarantined, CLONE_WORDS);
        return "quarantined";
      case "quarantined":
        this.#setAlarm();
        return verdict;
      case "late":
      case "uncounted":
        return verdict;
      default:
        return verdict satisfies never;
    }
  }

  /** What finds an agent's sockets among thousands. */
  override getConnectionTags(_: Socket, { request }: ConnectionContext): string[] {
    const agent = identityIn(request);
    return agent ? [agent.agentId] : [];
  }

  override onRequest(): Response {
    return new Response(null, { status: 404 });
  }

  override onConnect(socket: Socket, { request }: ConnectionContext): void {
    const agent = identityIn(request);
    if (!agent) return;
    socket.setState(newSocket(agent, Date.now()));
    this.#quietUntil = Math.min(this.#quietUntil, this.#silentAt(socket));
    this.#setAlarm();
  }

  override onMessage(socket: Socket, frame: string | ArrayBuffer): void {
    try {
      const state = socket.state;
      if (!state || frame === HEARTBEAT_PING) return;
      const parsed =
        typeof frame === "string" ? parseFrame(agentControlMessageSchema, frame, FRAME_MAX_BYTES) : undefined;
      if (!parsed?.ok) return refuse(socket, parsed?.reason ?? "control frames are JSON text");
      const message = parsed.message;
      if (message.type === "hello") return state.hello ? undefined : this.#hello(socket, state, message);
      if (!state.hello) return refuse(socket, `${message.type} before hello`);
      if (message.type === "secrets") return this.#store.noteSecrets(state.agentId, message.secrets);
      if (message.type === "secret.answer") return this.#secretAnswered(state, message);
      if (message.type !== "ack") this.#report(socket, state, message);
    } catch (error) {
      this.log("error", "a frame could not be handled", { error });
      socket.close(CLOSE_CODES.restart, "internal error; reconnect");
    }
  }

  override onClose(socket: Socket, code: number): void {
    answerClose(socket, code);
    this.#gone(socket);
  }

  override onError(socket: Socket): void {
    this.#gone(socket);
  }

  /** Notes until when the agent was there, and tells the lists. */
  #gone(socket: Socket): void {
    if (!socket.state) return;
    const { agentId, hello } = socket.state;
    const now = Date.now();
    const silentAt = this.#silentAt(socket);
    // The end of one that had fallen silent is news of the network, not of the agent.
    if (hello) this.#hellos.noteSeen(agentId, silentAt > now ? now : silentAt - HEARTBEAT_TIMEOUT_MS);
    this.#announce(agentId);
  }

  override onAlarm(): void {
    this.alarmRang();
    try {
      this.#endSilentSockets();
      this.#store.forgetOver(Date.now() - OVER_KEPT_MS);
      this.#repeatUnanswered();
      this.#deliveries.repeat(Date.now());
      this.#quarantines.tell(Date.now());
      this.#askWhatIsWanted();
      this.#learnLatest();
      this.#failHopeless();
      this.#handOut();
    } catch (error) {
      this.log("error", "the alarm failed; it is set again", { error });
    }
    this.#setAlarm();
  }

  // --- What agents say ---

  #hello(socket: Socket, state: AgentSocket, message: Hello): void {
    const greeting = greet(state, message, Date.now(), this.#store.wantedVersion);
    if (!greeting.ok) return socket.close(greeting.code, greeting.reason);
    const { agentId } = state;
    for (const other of this.#agents.allOf(agentId)) {
      if (other.id !== socket.id)
        other.close(CLOSE_CODES.replaced, "a newer connection was opened with this agent's key");
    }
    socket.setState(greeting.state);
    this.#store.noteSecrets(agentId, message.secrets);
    this.#hellos.note(agentId, message.labels, Date.now());
    send(socket, greeting.welcome);
    this.log("info", "agent connected", { agentId, agentVersion: message.agentVersion });
    for (const action of reconcile(this.#store.leasesOf(agentId), message.leases)) {
      this.#perform(action, socket);
    }
    this.#deliveries.greet(agentId, message.sealing, Date.now());
    this.#announce(agentId);
    this.#handOut();
    if (message.update) this.#learnLatest();
  }

  #secretAnswered({ agentId }: AgentSocket, message: SecretAnswer): void {
    const delivery = this.#deliveries.answered(agentId, message, Date.now());
    if (!delivery) return;
    const { name: secret, action, state, actor } = delivery;
    this.log("info", "an agent answered for a secret", { secret, action, state, agentId, actor });
  }

  #report(socket: Socket, state: AgentSocket, message: LeaseReport): void {
    const action = reported(this.#store.lease(message.leaseId), state.agentId, message);
    if (!action) return;
    if (message.type === "lease.declined") {
      const declined = message.detail || message.reason;
      socket.setState(afterDecline(state, declined, Date.now()));
    } else if (action.type === "accept" && state.declines) socket.setState(afterAccept(state, Date.now()));
    this.#perform(action, socket);
    if (action.type !== "accept") this.#handOut();
  }

  #perform(action: LeaseAction, socket: Socket | undefined): void {
    const { lease } = action;
    switch (action.type) {
      case "accept":
        return this.#store.setStatus(lease.id, "accepted", Date.now());
      case "revoke":
        if (socket) send(socket, revokeCommand(lease, action.reason));
        return;
      case "offer":
        return this.background(this.#offerQueued(action.lease, action.lease.agentId));
      case "free":
        return this.#free(action.lease);
      case "fail": {
        this.#free(action.lease);
        const { reason, retry } = action;
        const coordinator = this.#coordinator(action.lease);
        return this.background(coordinator.leaseFailed(lease.id, lease.fence, reason, retry));
      }
      case "lose":
        return this.#lose(action.lease, action.reason, action.mayRun);
      default:
        action satisfies never;
    }
  }

  /** Kept until its coordinator knows: the alarm tells it again, and so does whoever revokes its agent again. */
  #lose(lease: LeaseRow, reason: string, mayRun: boolean): void {
    this.#store.setStatus(lease.id, "revoked", Date.now());
    const isRevoked = this.#store.isRevoked(lease.agentId);
    const told = this.#coordinator(lease).leaseLost(lease.id, lease.fence, reason, { mayRun, isRevoked });
    this.background(
      told.then(() => {
        this.#free(lease);
        this.#handOut();
      }),
    );
  }

  // --- Versions ---

  /** Looks up the newest release when that was long ago and somebody wants to know. */
  #learnLatest(): void {
    const { agentVersion, latest } = this.#store;
    const now = Date.now();
    const isDue = agentVersion === "latest" && latest.at <= now - LATEST_KEPT_MS;
    if (!isDue || this.#agents.updatable().length === 0) return;
    // Noted before it is asked: many hellos are one question.
    this.#store.latest = { version: latest.version, at: now };
    const found = latestVersion(this.env.RELEASES).then((version) =>
      this.#changeWanted(() => {
        this.#store.latest = { version, at: now };
      }),
    );
    this.background(found);
  }

  /** Tells the agents, and the lists, when another version is wanted afterwards. */
  #changeWanted(change: () => void): void {
    const before = this.#store.wantedVersion;
    change();
    const version = this.#store.wantedVersion;
    if (version === before) return;
    for (const socket of this.#agents.updatable()) {
      send(socket, { type: "version.wanted", version: version ?? null });
      if (socket.state) this.#announce(socket.state.agentId);
    }
  }

  // --- Granting ---

  #grant(row: QueueRow, agentId: string): void {
    this.#store.addLease(row, agentId, Date.now());
    this.#announce(agentId);
    this.#setAlarm();
  }

  #free(lease: LeaseRow): void {
    this.#store.removeLease(lease);
    this.#store.noteOver(lease.id, Date.now(), lease);
    this.#announce(lease.agentId);
  }

  /** Gives free slots to whoever waits. */
  #handOut(): void {
    this.#store.dropExpired(Date.now());
    const queue = this.#store.queue();
    // With nobody in it, there is no reason to look at every agent.
    const candidates = queue.length > 0 ? this.#agents.candidates() : [];
    let room = this.#store.room;
    for (const { row, agentId } of assign(queue, candidates, Date.now())) {
      if (room-- <= 0) break;
      this.#store.dequeue(row.id);
      this.#grant(row, agentId);
      this.background(this.#offerQueued(row, agentId));
    }
    this.#setAlarm();
  }

  /** Kept until their coordinators know: the alarm tells it again. */
  #failHopeless(): void {
    for (const row of this.#store.hopeless()) {
      const told = this.#coordinator(row).leaseFailed(row.id, row.fence, HOPELESS_WORDS, false);
      this.background(told.then(() => this.#store.dequeue(row.id)));
    }
  }

  /**
   * Asks the coordinator what to offer: plans are not kept here, and the request
   * may no longer stand. One that does not answer is asked again by the alarm.
   */
  async #offerQueued(row: QueueRow, agentId: string): Promise<void> {
    const agent = this.#agents.describe(agentId);
    const payload = await this.#coordinator(row).offerTo(row.id, row.fence, agent);
    const lease = this.#store.lease(row.id);
    // Settled while the coordinator was asked: accepted, or given back.
    if (lease?.status !== "offered") return;
    if (!payload) {
      // Nothing to begin with at the moment, or nothing ever.
      if (await this.#coordinator(row).wantsLease(row.id, row.fence)) return;
      if (this.#store.lease(row.id)?.status !== "offered") return;
      this.#free(lease);
      return this.#handOut();
    }
    // A socket that closed meanwhile: the agent's next hello settles it.
    const socket = this.#agents.socketOf(agentId);
    if (socket) send(socket, offerCommand(row, payload));
  }

  // --- Time ---

  /** Says again what agents have not answered (CM1). */
  #repeatUnanswered(): void {
    const now = Date.now();
    for (const lease of this.#store.unansweredSince(now - COMMAND_RESEND_MS)) {
      // Also for an agent that is away: else the alarm would be due again at once, for ever.
      this.#store.setStatus(lease.id, lease.status, now);
      const socket = this.#agents.socketOf(lease.agentId);
      const action = unanswered(lease, socket !== undefined);
      if (action) this.#perform(action, socket);
    }
  }

  /** Takes back what no execution wants any more: the word of its end may have been lost. */
  #askWhatIsWanted(): void {
    const now = Date.now();
    for (const lease of this.#store.acceptedSince(now - ASK_MS)) {
      const { id, fence } = lease;
      this.#store.setStatus(id, "accepted", now);
      const wanted = this.#coordinator(lease).wantsLease(id, fence);
      this.background(wanted.then((yes) => (yes ? undefined : this.releaseLease(id, fence, "finished"))));
    }
  }

  #endSilentSockets(): void {
    for (const socket of this.#sockets()) {
      if (this.#silentAt(socket) > Date.now()) continue;
      socket.close(CLOSE_CODES.silent, "no heartbeat for 45 s");
      this.#gone(socket);
    }
  }

  #setAlarm(): void {
    const silentAt = this.#earliestSilence();
    const unansweredSince = this.#store.oldestUnanswered();
    this.setAlarmTo([
      nextLook(
        {
          silentAt,
          unansweredSince,
          isQueueing: this.#store.isQueueing(),
          isHopeless: this.#store.hopeless().length > 0,
          deliveryAt: this.#deliveries.nextLook(),
          untoldSince: this.#quarantines.oldestUntold(),
        },
        Date.now(),
      ),
    ]);
  }

  /** Looks at every socket only when that time has come: none counts as dead earlier than it once did. */
  #earliestSilence(): number | undefined {
    if (this.#quietUntil <= Date.now()) {
      const silentAt = Array.from(this.#sockets(), (socket) => this.#silentAt(socket));
      this.#quietUntil = silentAt.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
    }
    return this.#quietUntil === Number.POSITIVE_INFINITY ? undefined : this.#quietUntil;
  }

  #silentAt(socket: Socket): number {
    return this.silentAt(socket, socket.state?.connectedAt ?? 0);
  }

  // --- Odds and ends ---

  #sockets(agentId?: string): Iterable<Socket> {
    return this.getConnections<AgentSocket>(agentId);
  }

  /** Tells the organization's lists about an agent, once for a burst of changes. */
  #announce(agentId: string): void {
    if (this.#changed.size === 0) {
      setTimeout(() => {
        const feed = this.env.ORGANIZATION_FEED.getByName(this.#organizationId);
        for (const id of this.#changed) {
          const presence = this.#agents.presenceOf(id);
          const seenAt = presence ? undefined : this.#hellos.of([id])[id]?.seenAt;
          const lastSeenAt = seenAt === undefined ? undefined : new Date(seenAt).toISOString();
          this.background(feed.publish({ type: "agent", agentId: id, presence, lastSeenAt }));
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
    return this.#place.organizationId;
  }

  get #place() {
    const [organizationId = "", poolId = ""] = this.name.split("/");
    return { organizationId, poolId };
  }

  protected override logFields() {
    return this.#place;
  }
}

/** All that an agent holds; undefined when it does not tell, or has more than it may tell of. */
function namesOf(held: readonly HeldSecret[] | undefined): string[] | undefined {
  return held && held.length < SECRETS_TOLD_MAX ? held.map(({ name }) => name) : undefined;
}
