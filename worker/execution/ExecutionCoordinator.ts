/**
 * One Durable Object per execution, and the truth about it. A thin shell: it
 * owns the sockets, the SQLite and the alarm; the engine decides, and what it
 * decides is stored before any of it is carried out. It is long because it has
 * a method for each thing that others may ask; what they do is in the modules beside it.
 */
import type { ConnectionContext } from "partyserver";
import type { Execution } from "#protocol/api/executions.ts";
import { newId } from "#protocol/ids.ts";
import { jsonBytes } from "#protocol/json.ts";
import { CHILD_EXECUTIONS_MAX, COMMAND_RESEND_MS, HEARTBEAT_PING, VIEWERS_MAX } from "#protocol/limits.ts";
import { CLOSE_CODES } from "#protocol/socket.ts";
import type { TerminalExecutionState } from "#protocol/states.ts";
import type { StreamMessage } from "#protocol/viewer.ts";
import { tenantDb } from "../db/tenant.ts";
import type { LockReply } from "../locks/contract.ts";
import { type GrantedAgent, identityIn, type OfferPayload } from "../pool/contract.ts";
import { SocketObject } from "../socketObject.ts";
import { answerClose } from "../sockets.ts";
import { AgentLink } from "./agentLink.ts";
import { deleteArchive } from "./archive/archiver.ts";
import type {
  Ask,
  AskResult,
  CoordinatorApi,
  CreateExecution,
  CreateResult,
  EventPage,
  ListEntry,
  RepeatResult,
  RetrySource,
  Tombstone,
} from "./contract.ts";
import { EdgeCalls } from "./edgeCalls.ts";
import { deadlineOf } from "./engine/deadlines.ts";
import { settled } from "./engine/draft.ts";
import { create, engine } from "./engine/engine.ts";
import type { AgentFate, Decision, EngineInput, Moment } from "./engine/inputs.ts";
import { refusalOf } from "./engine/people.ts";
import { type EngineState, isLeaseOpen, isOut } from "./engine/state.ts";
import { touchedBy } from "./engine/touched.ts";
import { unanswered } from "./engine/unanswered.ts";
import { Follower } from "./follower.ts";
import { serveHttp } from "./http.ts";
import { OutputIntake } from "./intake.ts";
import { Living } from "./living.ts";
import { canceledByParent, Outside } from "./outside.ts";
import { offerPayload, Performer } from "./performer.ts";
import { type RetryWish, takeOver } from "./reuse.ts";
import { agentState, type Socket, type SocketState, viewerState } from "./sockets.ts";
import { ExecutionStore, type LogRow } from "./store.ts";
import { agentsOf, toExecution, toProgress, toSteps, toSummary } from "./view.ts";
import { ViewerAccess } from "./viewerAccess.ts";
import { Viewers } from "./viewers.ts";

/** About what a step takes in a view, besides its values. */
const STEP_LENGTH = 512;

/** Changes that follow each other this fast reach the lists as one. */
const FEED_DELAY_MS = 50;

/** An alarm that is late by this much will not come. */
const OVERDUE_MS = 30_000;

/** When a deletion that was cut short goes on. */
const PURGE_AGAIN_MS = 60_000;

export class ExecutionCoordinator extends SocketObject implements CoordinatorApi {
  readonly #store = new ExecutionStore(this.ctx.storage);
  readonly #intake = new OutputIntake(this.#store);
  readonly #follower = new Follower(this.#store, () => this.#state().end !== undefined);
  readonly #viewers = new Viewers({
    store: this.#store,
    executionState: () => this.#state().state,
    held: (step, attempt) => this.#intake.held(step, attempt),
    touchedBy: (event) => touchedBy(this.#state(), event),
    view: (steps) => this.#view(steps),
    sizeOf: (step) => STEP_LENGTH + jsonBytes(this.#state().steps.get(step)?.values ?? {}),
    sockets: () => this.getConnections("viewer"),
  });
  readonly #access = new ViewerAccess({
    feed: () => this.#feed(),
    executionId: () => this.#names.executionId,
    sockets: (tag) => this.getConnections(tag),
    background: (work) => this.background(work),
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
  readonly #outside = new Outside({
    env: this.env,
    record: () => this.#living.need().record,
    state: () => this.#state(),
    decide: (input) => this.#decide(input),
  });
  readonly #performer = new Performer({
    agents: this.#agents,
    outside: this.#outside,
    edge: new EdgeCalls({
      env: this.env,
      intake: this.#intake,
      state: () => this.#state(),
      decide: (input) => this.#decide(input),
      publish: (row) => this.#publish([row]),
    }),
    state: () => this.#state(),
    project: () => this.#project(),
    background: (work) => this.background(work),
  });
  readonly #living = new Living({
    env: this.env,
    store: this.#store,
    tellParent: () => this.#outside.tellParent(),
    isInUse: () => [...this.getConnections()].length > 0 || this.#readers > 0,
    damaged: (detail) => this.#decide({ type: "damaged", detail }),
    purge: (endedBefore) => this.#purge(endedBefore),
    restored: () => this.#setAlarm(),
    log: (level, message, fields) => this.log(level, message, fields),
  });
  #purging: Promise<void> | undefined;
  /** Answers that are being read. */
  #readers = 0;
  #feedTimer: ReturnType<typeof setTimeout> | undefined;

  // --- What the rest of the worker asks (contract.ts) ---

  async create(record: CreateExecution): Promise<CreateResult> {
    await this.#living.awake("also deleted");
    const repeat = this.#repeatOf(record.requestHash);
    if (repeat) return repeat;
    if (record.parent && this.#store.isForbidden) return { outcome: "conflict" };
    const { executionId: _, requestHash: __, requestId, plan, ...origin } = record;
    const moment = newMoment();
    const decision = create(plan, origin, moment);
    const rows = this.#store.transaction(() => {
      this.#store.create(record, this.name);
      return this.#store.appendEvents(moment.now, decision.events);
    });
    this.#living.begin(record, settled(decision));
    this.log("info", "execution created", { requestId });
    this.#carryOut(decision, rows);
    return { outcome: "created", execution: toSummary(record.executionId, this.#state()) };
  }

  async repeat(requestHash: string): Promise<RepeatResult | null> {
    await this.#living.awake("also deleted");
    return this.#repeatOf(requestHash);
  }

  #repeatOf(requestHash: string): RepeatResult | null {
    const live = this.#living.load();
    if (!live) return null;
    if (live.record.requestHash !== requestHash) return { outcome: "conflict" };
    return { outcome: "existing", execution: toSummary(live.record.executionId, live.state) };
  }

  async read(until?: { after: number; withinMs: number }): Promise<Execution | null> {
    await this.#living.awake();
    if (until && this.#living.visible()) {
      await this.#follower.until(() => this.#store.head > until.after, until.withinMs);
    }
    const live = this.#living.visible();
    if (!live) return null;
    const { executionId } = live.record;
    return toExecution(executionId, live.state, this.#store.head, (step, attempt) =>
      this.#intake.held(step, attempt),
    );
  }

  async summary(): Promise<ListEntry | null> {
    await this.#living.awake();
    const live = this.#living.visible();
    if (!live) return null;
    return { execution: toSummary(live.record.executionId, live.state), agentIds: agentsOf(live.state) };
  }

  #view(paths: ReadonlySet<string>): Extract<StreamMessage, { type: "view" }> {
    const { record, state } = this.#living.need();
    const held = (step: string, attempt: number) => this.#intake.held(step, attempt);
    const execution = toProgress(record.executionId, state, this.#store.head);
    return { type: "view", execution, steps: toSteps(state, paths, held) };
  }

  async events(after: number, limit: number, waitMs = 0): Promise<EventPage | null> {
    await this.#living.awake();
    if (waitMs > 0 && this.#living.visible()) {
      await this.#follower.until(() => this.#store.eventsAfter(after, 1).length > 0, waitMs);
    }
    if (!this.#living.visible()) return null;
    return { events: this.#store.eventsAfter(after, limit), head: this.#store.head };
  }

  async ask(input: Ask): Promise<AskResult> {
    await this.#living.awake();
    const live = this.#living.visible();
    if (!live) return { outcome: "not_found" };
    const refusal = refusalOf(live.state, input);
    if (refusal) return { outcome: "refused", refusal };
    this.#decide(input);
    return { outcome: "accepted", state: this.#state().state };
  }

  async retrySource(wish: RetryWish): Promise<RetrySource | null> {
    await this.#living.awake();
    const state = this.#living.visible()?.state;
    return state ? { state: state.state, plan: state.plan, taken: takeOver(state, wish) } : null;
  }

  async remove(tombstone: Tombstone): Promise<void> {
    if (!this.#store.record()) return;
    this.#store.remove(tombstone);
    this.background(
      this.#feed().publish({ type: "execution.removed", executionId: this.#names.executionId }),
    );
  }

  async purge(endedBefore: number): Promise<void> {
    const live = this.#living.load();
    if (live && (live.state.end?.at ?? Number.POSITIVE_INFINITY) >= endedBefore) return;
    await this.remove({ by: { type: "system", name: "retention" }, at: Date.now() });
    this.#store.purgeFrom = endedBefore;
    await this.#purge(endedBefore);
  }

  /**
   * The alarm is set first: cut short, it goes on from there, also when nobody knows of it any more. One at
   * a time: a second one would delete what has begun anew under the same id.
   */
  async #purge(endedBefore: number): Promise<void> {
    const alarm = this.ctx.storage.setAlarm(Date.now() + PURGE_AGAIN_MS);
    this.#purging ??= alarm
      .then(() => this.#deleteAll(endedBefore))
      .finally(() => {
        this.#purging = undefined;
      });
    await Promise.all([alarm, this.#purging]);
  }

  async #deleteAll(endedBefore: number): Promise<void> {
    await this.#living.idle();
    const { organizationId, executionId } = this.#names;
    await deleteArchive(this.env.ARCHIVE, organizationId, executionId);
    await tenantDb(this.env.DB, organizationId).executions.purge(executionId, new Date(endedBefore));
    await this.#store.clear();
    this.alarmRang();
    this.#intake.forget();
    this.#living.forget();
    for (const socket of this.getConnections()) {
      socket.close(CLOSE_CODES.restart, "this execution was deleted");
    }
    this.log("info", "execution deleted for good", {});
  }

  async endViewers(credentialId: string): Promise<void> {
    this.#access.end(credentialId);
  }

  // --- What the pool tells ---

  /** A slot became free for a queued request: what to offer, or null when it is no longer wanted. */
  async offerTo(leaseId: string, fence: number, agent: GrantedAgent): Promise<OfferPayload | null> {
    if (!this.#isOpen(leaseId, fence)) return null;
    const { agentId } = this.#state().leases.get(fence) ?? {};
    if (agentId !== undefined && agentId !== agent.agentId) return null;
    this.#decide({ type: "lease.granted", fence, ...agent });
    return this.#isOpen(leaseId, fence) ? offerPayload(this.#state(), fence) : null;
  }

  /** The agent refused the offer or never received it: nothing was started, unless the agent lies. */
  async leaseFailed(leaseId: string, fence: number, reason: string, retry: boolean): Promise<void> {
    if (this.#hasLease(leaseId, fence)) this.#decide({ type: "lease.failed", fence, reason, retry });
    await this.leaseLost(leaseId, fence, reason, { mayRun: false, isRevoked: false });
  }

  /**
   * The agent is back and knows nothing of a lease that it had accepted, or was cut off from it.
   * @param fate `mayRun`: nobody knows that what it ran under the lease has ended; `isRevoked`: it never comes back
   */
  async leaseLost(leaseId: string, fence: number, reason: string, fate: AgentFate): Promise<void> {
    if (!this.#hasLease(leaseId, fence)) return;
    this.#decide({ type: "lease.lost", fence, reason, ...fate });
    this.#agents.end(fence, reason);
  }

  /** The agent was revoked: none of its sockets stays, whatever they are for. */
  async endAgent(agentId: string, reason: string): Promise<void> {
    this.#agents.endAll(agentId, reason);
  }

  /** False when the lease is over, or never was: the word of its end may have been lost. */
  async wantsLease(leaseId: string, fence: number): Promise<boolean> {
    return this.#isOpen(leaseId, fence);
  }

  #isOpen(leaseId: string, fence: number): boolean {
    return this.#hasLease(leaseId, fence) && isLeaseOpen(this.#state().leases.get(fence));
  }

  #hasLease(leaseId: string, fence: number): boolean {
    return this.#living.loadable()?.state.leases.get(fence)?.id === leaseId;
  }

  // --- What locks and other executions tell ---

  /** How the request of a step, or of the whole execution for "", stands now. False when it is no longer wanted. */
  async locksStand(step: string, reply: LockReply): Promise<boolean> {
    const state = this.#living.loadable()?.state;
    if (!state || state.end) return false;
    if ((step === "" ? state.locks : state.steps.get(step)?.locks) === undefined) return false;
    this.#outside.locksStand(step, reply);
    return true;
  }

  async childFinished(
    step: string,
    executionId: string,
    state: TerminalExecutionState,
    detail: string | undefined,
  ): Promise<void> {
    if (this.#living.loadable()) this.#decide({ type: "child.finished", step, executionId, state, detail });
  }

  /** True while the step waits for the execution that it started. */
  async wantsChild(step: string, executionId: string): Promise<boolean> {
    const state = this.#living.loadable()?.state;
    const record = state?.steps.get(step);
    return record !== undefined && !state?.end && isOut(record) && record.executionId === executionId;
  }

  /** Whether one more may be started under this execution, at whatever level. Safe to repeat. */
  async admitChild(executionId: string): Promise<boolean> {
    return this.#store.record() !== null && this.#store.admitChild(executionId, CHILD_EXECUTIONS_MAX);
  }

  /** Cancels what another execution started. False when it has not begun: then it never will. */
  async cancelChild(force: boolean): Promise<boolean> {
    if (!this.#store.record()) {
      this.#store.forbid();
      return false;
    }
    this.#decide(canceledByParent(force));
    return true;
  }

  // --- Sockets and requests ---

  override async fetch(request: Request): Promise<Response> {
    try {
      // What an agent still has to tell is taken also after somebody deleted the execution.
      await this.#living.awake(isAgent(request) ? "also deleted" : "visible");
      if (!(isAgent(request) ? this.#living.load() : this.#living.visible()))
        return new Response(null, { status: 404 });
      // Only sockets need what PartyServer prepares (and stores) before a request.
      const isUpgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
      if (!isUpgrade) return this.onRequest(request);
      if (isAgent(request) && !this.#agents.admits(identityIn(request))) {
        return new Response(null, { status: 401 });
      }
      if (!isAgent(request) && [...this.getConnections("viewer")].length >= VIEWERS_MAX) {
        return new Response(null, { status: 429 });
      }
      return await super.fetch(request);
    } catch (error) {
      this.log("error", "a request failed", { error });
      return new Response(null, { status: 500 });
    }
  }

  override onRequest(request: Request): Response {
    return serveHttp(request, {
      executionId: this.#living.need().record.executionId,
      store: this.#store,
      follower: this.#follower,
      attemptOf: (step) => this.#state().steps.get(step)?.attempt,
      reading: (change) => {
        this.#readers += change;
      },
      streaming: (end) => this.#access.streaming(request, end),
    });
  }

  override getConnectionTags(_socket: Socket, { request }: ConnectionContext): string[] {
    return isAgent(request) ? ["agent"] : this.#access.tags(request);
  }

  override onConnect(socket: Socket, { request }: ConnectionContext): void {
    const agent = identityIn(request);
    if (!isAgent(request) || !agent) {
      this.#viewers.connect(socket);
      return this.#access.opened(socket, request);
    }
    this.#agents.connect(socket, agent);
    this.#setAlarm();
  }

  override onMessage(socket: Socket, frame: string | ArrayBuffer): void {
    try {
      if (!this.#living.load() || frame === HEARTBEAT_PING) return;
      const agent = agentState(socket);
      const viewer = viewerState(socket);
      if (agent) this.#agents.receive(socket, agent, frame);
      else if (viewer) this.#viewers.receive(socket, viewer, frame);
    } catch (error) {
      this.log("error", "a frame could not be handled", { error });
      socket.close(CLOSE_CODES.restart, "internal error; reconnect");
    }
  }

  override onClose(socket: Socket, code: number, reason: string): void {
    answerClose(socket, code);
    const agent = agentState(socket);
    if (!this.#living.load()) return;
    if (!agent) return this.#access.closed(socket);
    this.#agents.disconnected(socket, agent, `its connection ended (${code}${reason ? `: ${reason}` : ""})`);
  }

  override onError(socket: Socket): void {
    const agent = agentState(socket);
    if (!agent) return this.#access.closed(socket);
    if (this.#living.load()) this.#agents.disconnected(socket, agent, "its connection broke");
  }

  /** Sees to it that the alarm is set, which the platform may have dropped, and that it is still wanted. */
  async sweep(): Promise<void> {
    const live = this.#living.load();
    if (!live) return;
    this.background(this.#outside.askParent());
    const alarm = await this.ctx.storage.getAlarm();
    // One that is overdue is being tried, unless the platform gave up on it.
    if (alarm !== null && alarm > Date.now() - OVERDUE_MS) return;
    this.log("warn", "an alarm was lost; it is made up for", {});
    this.onAlarm();
  }

  override onAlarm(): void {
    const { purgeFrom } = this.#store;
    if (purgeFrom !== undefined) return this.background(this.#purge(purgeFrom));
    const live = this.#living.loadable();
    if (!live) return;
    this.alarmRang();
    try {
      this.#endSilentSockets();
      this.#decide({ type: "tick" });
      // Said again until it is answered (CM1); every repeat is harmless.
      for (const effect of unanswered(this.#state())) this.#performer.perform(effect);
      this.#agents.letGoAgain();
      const due = live.projection.dueAt;
      if (due !== undefined && due <= Date.now()) this.#project();
      this.background(this.#living.archive(live).then(() => this.#setAlarm()));
    } catch (error) {
      this.log("error", "the alarm failed; it is set again", { error });
    }
    this.#setAlarm();
  }

  // --- Deciding ---

  #state(): EngineState {
    return this.#living.need().state;
  }

  /** The one way in which an execution changes: decide, store, carry out. */
  #decide(input: EngineInput): void {
    const live = this.#living.load();
    if (!live) return;
    const moment = newMoment();
    const decision = engine(live.state, input, moment);
    if (decision.events.length === 0) return this.#carryOut(decision, []);
    const rows = this.#store.transaction(() => this.#store.appendEvents(moment.now, decision.events));
    live.state = settled(decision);
    this.#carryOut(decision, rows);
  }

  #carryOut(decision: Decision, rows: LogRow[]): void {
    for (const effect of decision.effects) this.#performer.perform(effect);
    this.#publish(rows);
    if (rows.length > 0) this.#announce();
    this.#setAlarm();
  }

  #project(): void {
    const projection = this.#living.load()?.projection;
    if (projection) this.background(projection.write(() => Date.now()).then(() => this.#setAlarm()));
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
      const live = this.#living.visible();
      if (!live) return;
      const execution = toSummary(live.record.executionId, live.state);
      this.background(this.#feed().publish({ type: "execution", execution }));
    }, FEED_DELAY_MS);
  }

  #feed() {
    return this.env.ORGANIZATION_FEED.getByName(this.#names.organizationId);
  }

  protected override logFields() {
    return this.#names;
  }

  get #names(): { organizationId: string; executionId: string } {
    const [organizationId = "", executionId = ""] = this.name.split("/");
    return { organizationId, executionId };
  }

  // --- Time ---

  #endSilentSockets(): void {
    for (const socket of this.#agentSockets()) {
      const agent = agentState(socket);
      if (!agent || this.silentAt(socket, agent.connectedAt) > Date.now()) continue;
      socket.close(CLOSE_CODES.silent, "no heartbeat for 45 s");
      this.#agents.disconnected(socket, agent, "its agent went silent");
    }
  }

  #setAlarm(): void {
    const live = this.#living.load();
    // While it is being deleted the alarm is that of the deletion.
    if (!live || this.#purging) return;
    const silent = Array.from(this.#agentSockets(), (socket) =>
      this.silentAt(socket, agentState(socket)?.connectedAt ?? 0),
    );
    const again = unanswered(live.state).length > 0 ? Date.now() + COMMAND_RESEND_MS : undefined;
    const { projection, archiver } = live;
    this.setAlarmTo([deadlineOf(live.state)?.at, projection.dueAt, archiver.dueAt, again, ...silent]);
  }

  #agentSockets(): Iterable<Socket> {
    return this.getConnections<SocketState>("agent");
  }
}

function isAgent(request: Request): boolean {
  return new URL(request.url).pathname === "/agent";
}

function newMoment(): Moment {
  return { now: Date.now(), newId, random: Math.random };
}
