/**
 * One Durable Object per execution, and the truth about it. A thin shell: it
 * owns the sockets, the SQLite and the alarm; the engine decides, and what it
 * decides is stored before any of it is carried out.
 */
import { type ConnectionContext, Server } from "partyserver";
import type { Actor } from "#protocol/actor.ts";
import type { Execution } from "#protocol/api/executions.ts";
import type { CoordinatorDataMessage } from "#protocol/data.ts";
import { newId } from "#protocol/ids.ts";
import {
  CANCEL_GRACE_MS,
  COMMAND_RESEND_MS,
  HEARTBEAT_PING,
  HEARTBEAT_PONG,
  HEARTBEAT_TIMEOUT_MS,
} from "#protocol/limits.ts";
import { CLOSE_CODES } from "#protocol/socket.ts";
import type { Env } from "../env.ts";
import { log } from "../log.ts";
import { identityIn, type LeaseReply, type OfferPayload, poolObjectName } from "../pool/contract.ts";
import { answerClose } from "../sockets.ts";
import { AgentLink } from "./agentLink.ts";
import type {
  CancelResult,
  CoordinatorApi,
  CreateExecution,
  CreateResult,
  EventPage,
  RepeatResult,
} from "./contract.ts";
import { deadlineOf } from "./engine/deadlines.ts";
import { create, engine } from "./engine/engine.ts";
import { fold } from "./engine/fold.ts";
import type { Decision, Effect, EngineInput, Moment } from "./engine/inputs.ts";
import { activeStep, currentLease, type EngineState } from "./engine/state.ts";
import { Follower } from "./follower.ts";
import { serveHttp } from "./http.ts";
import { OutputIntake } from "./intake.ts";
import { Projection } from "./projection.ts";
import { agentState, type Socket, viewerState } from "./sockets.ts";
import { ExecutionStore, type LogRow } from "./store.ts";
import { toExecution, toSummary } from "./view.ts";
import { ViewerAccess } from "./viewerAccess.ts";
import { Viewers } from "./viewers.ts";

/** Changes that follow each other this fast reach the lists as one. */
const FEED_DELAY_MS = 50;

/** Everything that exists only once the execution does. */
interface Live {
  record: CreateExecution;
  state: EngineState;
  projection: Projection;
}

export class ExecutionCoordinator extends Server<Env> implements CoordinatorApi {
  static override options = { hibernate: true };

  readonly #store = new ExecutionStore(this.ctx.storage);
  readonly #intake = new OutputIntake(this.#store);
  readonly #follower = new Follower(this.#store, () => this.#state().end !== undefined);
  readonly #viewers = new Viewers({
    store: this.#store,
    executionState: () => this.#state().state,
    held: (step, attempt) => this.#intake.held(step, attempt),
    sockets: () => this.getConnections("viewer"),
  });
  readonly #access = new ViewerAccess({
    feed: () => this.#feed(),
    executionId: () => this.#load()?.record.executionId ?? "",
    sockets: (tag) => this.getConnections(tag),
  });
  readonly #agents = new AgentLink({
    store: this.#store,
    intake: this.#intake,
    state: () => this.#state(),
    decide: (input) => this.#decide(input),
    publish: (row) => this.#publish([row]),
    sockets: () => this.getConnections("agent"),
    now: () => Date.now(),
  });
  #live: Live | null | undefined;
  #feedTimer: ReturnType<typeof setTimeout> | undefined;
  #alarmAt: number | null | undefined;

  // --- What the rest of the worker asks (contract.ts) ---

  async create(record: CreateExecution): Promise<CreateResult> {
    const repeat = this.#repeatOf(record.requestHash);
    if (repeat) return repeat;
    const { plan, planDigest, trigger, actor } = record;
    const moment = this.#moment();
    const decision = create(plan, { planDigest, trigger, actor }, moment);
    const rows = this.#store.transaction(() => {
      this.#store.create(record, this.name);
      return this.#store.appendEvents(moment.now, decision.events);
    });
    this.#live = this.#assemble(record, decision.state);
    this.#log("info", "execution created", { requestId: record.requestId });
    this.#carryOut(decision, rows);
    return { outcome: "created", execution: toSummary(record.executionId, this.#state()) };
  }

  async repeat(requestHash: string): Promise<RepeatResult | null> {
    return this.#repeatOf(requestHash);
  }

  #repeatOf(requestHash: string): RepeatResult | null {
    const live = this.#load();
    if (!live) return null;
    if (live.record.requestHash !== requestHash) return { outcome: "conflict" };
    return { outcome: "existing", execution: toSummary(live.record.executionId, live.state) };
  }

  async read(): Promise<Execution | null> {
    const live = this.#load();
    if (!live) return null;
    const { executionId } = live.record;
    return toExecution(executionId, live.state, this.#store.head, (step, attempt) =>
      this.#intake.held(step, attempt),
    );
  }

  async events(after: number, limit: number): Promise<EventPage | null> {
    if (!this.#load()) return null;
    return { events: this.#store.eventsAfter(after, limit), head: this.#store.head };
  }

  async cancel(actor: Actor, reason: string): Promise<CancelResult> {
    const live = this.#load();
    if (!live) return { outcome: "not_found" };
    if (live.state.end) return { outcome: "already_ended", state: live.state.state };
    this.#decide({ type: "cancel", actor, reason });
    return { outcome: "accepted", state: this.#state().state };
  }

  async endViewers(credentialId: string): Promise<void> {
    this.#access.end(credentialId);
  }

  // --- What the pool tells ---

  /** A slot became free for a queued request: what to offer, or null when it is no longer wanted. */
  async offerTo(
    leaseId: string,
    fence: number,
    agentId: string,
    agentName: string,
  ): Promise<OfferPayload | null> {
    if (!this.#load()) return null;
    if (currentLease(this.#state())?.id !== leaseId) return null;
    this.#decide({ type: "lease.granted", fence, agentId, agentName });
    return this.#offerPayload(fence);
  }

  /** The agent refused the offer or never received it: nothing was started. */
  async leaseFailed(leaseId: string, fence: number, reason: string, retry: boolean): Promise<void> {
    if (!this.#load() || currentLease(this.#state())?.id !== leaseId) return;
    this.#decide({ type: "lease.failed", fence, reason, retry });
  }

  /** The agent is back and knows nothing of a lease that it had accepted. */
  async leaseLost(leaseId: string, fence: number, reason: string): Promise<void> {
    if (!this.#load() || currentLease(this.#state())?.id !== leaseId) return;
    this.#decide({ type: "lease.lost", fence, reason });
    this.#agents.end(fence, reason);
  }

  // --- Sockets and requests ---

  override async fetch(request: Request): Promise<Response> {
    try {
      if (!this.#load()) return new Response(null, { status: 404 });
      // Only sockets need what PartyServer prepares (and stores) before a request.
      const isUpgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
      if (!isUpgrade) return this.onRequest(request);
      if (isAgent(request) && !this.#agents.admits(identityIn(request))) {
        return new Response(null, { status: 401 });
      }
      return await super.fetch(request);
    } catch (error) {
      this.#log("error", "a request failed", { error });
      return new Response(null, { status: 500 });
    }
  }

  override onRequest(request: Request): Response {
    return serveHttp(request, {
      store: this.#store,
      follower: this.#follower,
      attemptOf: (step) => this.#state().steps.get(step)?.attempt,
    });
  }

  override onStart(): void {
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(HEARTBEAT_PING, HEARTBEAT_PONG));
  }

  override getConnectionTags(_socket: Socket, { request }: ConnectionContext): string[] {
    return isAgent(request) ? ["agent"] : this.#access.tags(request);
  }

  override onConnect(socket: Socket, { request }: ConnectionContext): void {
    const agent = identityIn(request);
    if (!isAgent(request) || !agent) {
      this.#viewers.connect(socket);
      return this.#background(this.#access.opened(socket));
    }
    this.#agents.connect(socket, agent);
    this.#setAlarm();
  }

  override onMessage(socket: Socket, frame: string | ArrayBuffer): void {
    try {
      if (!this.#load() || frame === HEARTBEAT_PING) return;
      const agent = agentState(socket);
      const viewer = viewerState(socket);
      if (agent) this.#agents.receive(socket, agent, frame);
      else if (viewer) this.#viewers.receive(socket, viewer, frame);
    } catch (error) {
      this.#log("error", "a frame could not be handled", { error });
      socket.close(CLOSE_CODES.restart, "internal error; reconnect");
    }
  }

  override onClose(socket: Socket, code: number, reason: string): void {
    answerClose(socket, code);
    const agent = agentState(socket);
    if (!this.#load()) return;
    if (!agent) return this.#background(this.#access.closed(socket));
    this.#agents.disconnected(socket, agent, `its connection ended (${code}${reason ? `: ${reason}` : ""})`);
  }

  override onError(socket: Socket): void {
    const agent = agentState(socket);
    if (!agent) return this.#background(this.#access.closed(socket));
    if (this.#load()) this.#agents.disconnected(socket, agent, "its connection broke");
  }

  override onAlarm(): void {
    const live = this.#load();
    if (!live) return;
    this.#alarmAt = null;
    try {
      this.#endSilentSockets();
      this.#decide({ type: "tick" });
      this.#repeatUnanswered();
      const due = live.projection.dueAt;
      if (due !== undefined && due <= Date.now()) this.#project();
    } catch (error) {
      this.#log("error", "the alarm failed; it is set again", { error });
    }
    this.#setAlarm();
  }

  // --- Deciding ---

  #load(): Live | null {
    if (this.#live !== undefined) return this.#live;
    const record = this.#store.record();
    this.#live = record && this.#assemble(record, fold(record.plan, this.#store.timedEvents()));
    return this.#live;
  }

  #assemble(record: CreateExecution, state: EngineState): Live {
    const projection = new Projection(this.env, this.#store, record.plan.organizationId, () =>
      toSummary(record.executionId, this.#state()),
    );
    return { record, state, projection };
  }

  #state(): EngineState {
    const live = this.#load();
    if (!live) throw new Error("this execution does not exist");
    return live.state;
  }

  #moment(): Moment {
    return { now: Date.now(), leaseId: newId("lease") };
  }

  /** The one way in which an execution changes: decide, store, carry out. */
  #decide(input: EngineInput): void {
    const live = this.#load();
    if (!live) return;
    const moment = this.#moment();
    const decision = engine(live.state, input, moment);
    if (decision.events.length === 0) return this.#carryOut(decision, []);
    const rows = this.#store.transaction(() => this.#store.appendEvents(moment.now, decision.events));
    live.state = { ...decision.state, steps: decision.state.steps.merge() };
    this.#carryOut(decision, rows);
  }

  #carryOut(decision: Decision, rows: LogRow[]): void {
    for (const effect of decision.effects) this.#perform(effect);
    this.#publish(rows);
    if (rows.length > 0) this.#announce();
    this.#setAlarm();
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "lease.request":
        return this.#background(this.#requestLease(effect.leaseId, effect.fence));
      case "lease.release": {
        const { leaseId, fence, reason } = effect;
        this.#agents.release(fence);
        return this.#background(this.#pool().releaseLease(leaseId, fence, reason));
      }
      case "step.start":
        this.#agents.send(effect.fence, startOf(effect));
        return;
      case "step.cancel": {
        const { step, attempt, fence, reason } = effect;
        const id = `cancel:${step}:${attempt}:${fence}`;
        const sent = this.#agents.send(fence, {
          type: "step.cancel",
          id,
          step,
          attempt,
          reason,
          graceMs: CANCEL_GRACE_MS,
        });
        const lease = currentLease(this.#state());
        const since = this.#state().steps.get(step)?.stopping?.at ?? 0;
        // A data socket that is only just (re)connecting is told when it says hello. One that stays away may
        // still be in the pool's reach; but then the agent ends the lease and what it has not sent is lost.
        if (!sent && lease && Date.now() - since >= COMMAND_RESEND_MS)
          this.#background(this.#pool().releaseLease(lease.id, fence, "canceled"));
        return;
      }
      case "project":
        return this.#project();
      default:
        effect satisfies never;
    }
  }

  #project(): void {
    const projection = this.#load()?.projection;
    if (projection) this.#background(projection.write(() => Date.now()).then(() => this.#setAlarm()));
  }

  #pool() {
    const { organizationId, target } = this.#state().plan;
    return this.env.AGENT_POOL.getByName(poolObjectName(organizationId, target.poolId));
  }

  async #requestLease(leaseId: string, fence: number): Promise<void> {
    const { plan } = this.#state();
    const payload = this.#offerPayload(fence);
    if (!payload) return;
    const { executionId } = this.#load()?.record ?? { executionId: "" };
    const request = { leaseId, executionId, fence, labels: plan.target.labels };
    const answer: LeaseReply = await this.#pool().requestLease(request, payload);
    if (answer.outcome === "offered") {
      const { agentId, agentName } = answer;
      this.#decide({ type: "lease.granted", fence, agentId, agentName });
    } else {
      this.#decide({ type: "lease.queued", fence, ahead: answer.ahead, reason: answer.reason });
    }
  }

  /** What an agent is offered under this fence: the plan, and the step that waits for it. */
  #offerPayload(fence: number): OfferPayload | null {
    const state = this.#state();
    const step = activeStep(state);
    if (!step || step.fence !== fence || step.stopping) return null;
    const firstStep = startOf({ step: step.path, attempt: step.attempt, fence });
    return { plan: state.plan, planDigest: state.planDigest, firstStep };
  }

  // --- Telling ---

  #publish(rows: readonly LogRow[]): void {
    if (rows.length === 0) return;
    this.#viewers.publish(rows);
    this.#follower.notify();
  }

  /** Tells the organization's lists, once for a burst of changes. Lists that miss it ask again. */
  #announce(): void {
    this.#feedTimer ??= setTimeout(() => {
      this.#feedTimer = undefined;
      const live = this.#load();
      if (!live) return;
      const execution = toSummary(live.record.executionId, live.state);
      this.#background(this.#feed().publish({ type: "execution", execution }));
    }, FEED_DELAY_MS);
  }

  #feed() {
    return this.env.ORGANIZATION_FEED.getByName(this.#state().plan.organizationId);
  }

  /** Runs what nobody waits for. What matters of it is repeated by the alarm. */
  #background(work: Promise<unknown>): void {
    this.ctx.waitUntil(
      work.catch((error) => this.#log("warn", "a call to another object failed", { error })),
    );
  }

  #log(level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>): void {
    const [organizationId, executionId] = this.name.split("/");
    log(level, message, { organizationId, executionId, ...fields });
  }

  // --- Time ---

  /** Says again what has not been answered (CM1); every repeat is harmless. */
  #repeatUnanswered(): void {
    const state = this.#state();
    const lease = currentLease(state);
    const step = activeStep(state);
    if (lease?.status === "requested")
      this.#perform({ type: "lease.request", leaseId: lease.id, fence: lease.fence });
    if (!step || step.fence === undefined) return;
    const { attempt, fence } = step;
    if (step.stopping) {
      this.#perform({ type: "step.cancel", step: step.path, attempt, fence, reason: step.stopping.reason });
    } else if (step.state === "dispatched" && lease?.status === "granted") {
      this.#perform({ type: "step.start", step: step.path, attempt, fence });
    }
  }

  #endSilentSockets(): void {
    for (const socket of this.getConnections("agent")) {
      if (this.#lastSeen(socket) + HEARTBEAT_TIMEOUT_MS > Date.now()) continue;
      const agent = agentState(socket as Socket);
      socket.close(CLOSE_CODES.silent, "no heartbeat for 45 s");
      if (agent) this.#agents.disconnected(socket as Socket, agent, "its agent went silent");
    }
  }

  #lastSeen(socket: WebSocket): number {
    const beat = this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
    return Math.max(beat, agentState(socket as Socket)?.connectedAt ?? 0);
  }

  /** Sets the one alarm to the earliest of all waits. */
  #setAlarm(): void {
    const live = this.#load();
    if (!live) return;
    const { state } = live;
    const waits: (number | undefined)[] = [deadlineOf(state)?.at, live.projection.dueAt];
    for (const socket of this.getConnections("agent"))
      waits.push(this.#lastSeen(socket) + HEARTBEAT_TIMEOUT_MS);
    const step = activeStep(state);
    const unanswered = step && (step.stopping || step.state === "dispatched");
    if (unanswered || currentLease(state)?.status === "requested") waits.push(Date.now() + COMMAND_RESEND_MS);
    const due = waits.filter((wait) => wait !== undefined);
    if (due.length === 0) return;
    const at = Math.max(Math.min(...due), Date.now() + 1);
    const set = this.#alarmAt;
    // One that comes earlier than needed only looks and sets itself again: cheaper than a write each time.
    if (set != null && set <= at && set > Date.now()) return;
    this.#alarmAt = at;
    this.#background(this.ctx.storage.setAlarm(at));
  }
}

function isAgent(request: Request): boolean {
  return new URL(request.url).pathname === "/agent";
}

function startOf({ step, attempt, fence }: { step: string; attempt: number; fence: number }) {
  const id = `start:${step}:${attempt}:${fence}`;
  return { type: "step.start", id, step, attempt, fence } satisfies CoordinatorDataMessage;
}
