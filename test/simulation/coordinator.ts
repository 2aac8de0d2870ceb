/**
 * A model of the coordinator's shell. What it knows is its event log: events
 * are stored before any effect is carried out, and a crash takes its memory,
 * its sockets and the effects that were still to come.
 */
import type { AttemptOutcome, StepInputs, StepValues } from "#protocol/data.ts";
import { COMMAND_RESEND_MS } from "#protocol/limits.ts";
import type { Plan } from "#protocol/plan.ts";
import { deadlineOf } from "../../worker/execution/engine/deadlines.ts";
import { settled } from "../../worker/execution/engine/draft.ts";
import { create, engine, isRecorded } from "../../worker/execution/engine/engine.ts";
import { fold, type TimedEvent } from "../../worker/execution/engine/fold.ts";
import type {
  AttemptKey,
  Decision,
  Effect,
  EngineInput,
  Moment,
  Origin,
} from "../../worker/execution/engine/inputs.ts";
import {
  type EngineState,
  isLeaseOpen,
  isOut,
  type LeaseRecord,
  openSteps,
  stepsUnder,
} from "../../worker/execution/engine/state.ts";
import { unanswered } from "../../worker/execution/engine/unanswered.ts";
import type { Agent } from "./agent.ts";
import type { LeaseName, StepName } from "./attempt.ts";
import type { LockService } from "./locks.ts";
import type { Oracle } from "./oracle.ts";
import type { Outside } from "./outside.ts";
import type { Pool } from "./pool.ts";
import { Rules } from "./rules.ts";
import { Crash, type Socket, type World } from "./world.ts";

/** How often a sweep looks for alarms that were lost. */
const SWEEP_MS = 60_000;
const EMPTY = { bytes: 0, sha256: "0".repeat(64), cutBytes: 0 };

/** One agent's data socket, as the coordinator sees it. */
export interface Link {
  readonly socket: Socket;
  readonly agent: Agent;
  readonly lease: LeaseName;
  /** Results that the agent has and that are not recorded. */
  unrecorded?: number;
}

export interface Neighbours {
  pool: Pool;
  locks: LockService;
  outside: Outside;
}

export class Coordinator {
  /** Everything that survives. */
  readonly log: TimedEvent[] = [];
  readonly plan: Plan;
  readonly rules: Rules;
  /** How far its clock is ahead of the world's. */
  clockOffset = 0;
  /** It dies when it has carried out so many more effects. */
  diesAfter: number | undefined;
  alarmAt: number | undefined;
  readonly #world: World;
  readonly #around: Neighbours;
  readonly #links = new Map<number, Link>();
  #state: EngineState | undefined;
  #ids = 0;

  constructor(plan: Plan, origin: Origin, world: World, around: Neighbours, oracle: Oracle) {
    this.plan = plan;
    this.#world = world;
    this.#around = around;
    this.rules = new Rules(plan, oracle);
    const decision = create(plan, origin, this.#moment());
    this.rules.decided(undefined, decision, this.#clock);
    this.#store(decision);
    this.#carryOut(decision.effects);
    world.after(SWEEP_MS, "", () => this.#sweep());
  }

  get #clock(): number {
    return this.#world.now + this.clockOffset;
  }

  /** As it is in memory, or folded from the log. */
  get state(): EngineState {
    this.#state ??= fold(this.plan, this.log);
    return this.#state;
  }

  #moment(): Moment {
    return {
      now: this.#clock,
      newId: (kind) => `${kind}-${++this.#ids}`,
      random: () => this.#world.random.next(),
    };
  }

  // --- Deciding ---

  /** The one way in which an execution changes: decide, store, carry out. */
  decide(input: EngineInput): void {
    const before = this.state;
    const decision = engine(before, input, this.#moment());
    this.rules.decided(before, decision, this.#clock, input);
    this.#store(decision);
    this.#carryOut(decision.effects);
  }

  #store(decision: Decision): void {
    for (const event of decision.events) {
      this.log.push({ time: this.#clock, event });
      this.#world.note(() => `    ${JSON.stringify(event)}`);
    }
    const state = settled(decision);
    this.#state = state;
    this.rules.stored(state);
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (this.diesAfter !== undefined && this.diesAfter-- <= 0) throw new Crash(this);
      this.#perform(effect);
    }
    this.#setAlarm();
  }

  #perform(effect: Effect): void {
    this.rules.performs(effect, this.log);
    const { pool, locks, outside } = this.#around;
    const { state } = this;
    switch (effect.type) {
      case "lease.request": {
        const lease = state.leases.get(effect.fence);
        if (!lease) return;
        const { id, fence, labels, wantedAgentId: agentId } = lease;
        const request = { id, fence, labels, agentId, until: lease.until - this.clockOffset };
        const first = this.#firstStep(fence);
        if (!first) return;
        return this.#call(`asks for ${fence}`, () => pool.request(request, first));
      }
      case "lease.release": {
        const { leaseId: id, fence, reason } = effect;
        this.#toAgent(fence, `releases ${fence}`, (link) => this.#release(link));
        return this.#call(`gives ${fence} back`, () => pool.release({ id, fence }, reason));
      }
      case "step.start":
        this.#toAgent(effect.fence, `start ${effect.step}#${effect.attempt}`, ({ agent, lease }) => {
          const held = agent.held(lease);
          if (held) agent.start(held, effect);
        });
        return;
      case "step.cancel": {
        const { step, attempt, fence, reason } = effect;
        const sent = this.#toAgent(fence, `cancel ${step}#${attempt}`, ({ agent, lease }) => {
          const held = agent.held(lease);
          if (held) agent.cancel(held, { step, attempt }, reason);
        });
        return sent ? undefined : this.#cancelByPool(step, fence);
      }
      case "targets.resolve": {
        const { step, labels } = effect;
        return this.#call(`asks who matches for ${step}`, () => {
          const agents = pool.matching(labels);
          this.#answer(`${agents.length} agents match for ${step}`, {
            type: "targets.resolved",
            step,
            agents,
          });
        });
      }
      case "locks.acquire": {
        const { step } = effect;
        const record = step === "" ? state.locks : state.steps.get(step)?.locks;
        const { locks: wishes = [], slot = false } = record ?? {};
        return this.#call(`asks for the locks of "${step}"`, () => locks.acquire(step, wishes, slot));
      }
      case "locks.release":
        return this.#call(`gives the locks of "${effect.step}" back`, () => locks.release(effect.step));
      case "edge.request":
        return outside.request(effect);
      case "edge.cancel":
        return outside.hangUp(effect);
      case "child.start":
        return this.#call(`starts ${effect.executionId}`, () => outside.startChild(effect));
      case "child.cancel":
        return this.#call(`cancels ${effect.executionId}`, () => outside.cancelChild(effect));
      case "project":
        return;
      default:
        effect satisfies never;
    }
  }

  #call(label: string, run: () => void): void {
    this.#world.send(`coordinator: ${label}`, run);
  }

  #answer(label: string, input: EngineInput): void {
    this.#world.send(label, () => this.decide(input));
  }

  /** An agent whose data socket stays away may still be in the pool's reach; then it ends the whole lease. */
  #cancelByPool(path: string, fence: number): void {
    const { state } = this;
    const since = state.steps.get(path)?.stopping?.at ?? 0;
    const lease = state.leases.get(fence);
    const others = [...stepsUnder(state, fence)].some((step) => !step.stopping);
    if (!lease || others || this.#clock - since < COMMAND_RESEND_MS) return;
    this.#call(`has ${fence} taken away`, () =>
      this.#around.pool.release({ id: lease.id, fence }, "canceled"),
    );
  }

  /** What rides on the offer. */
  #firstStep(fence: number): (StepName & { inputs?: StepInputs }) | undefined {
    for (const { path: step, attempt, startedAt, stopping, inputs } of stepsUnder(this.state, fence)) {
      if (startedAt === undefined && !stopping) return { step, attempt, inputs };
    }
    return undefined;
  }

  // --- What the pool and the locks ask ---

  offerTo({ id, fence }: LeaseName, agentId: string): { firstStep: StepName } | undefined {
    const lease = this.state.leases.get(fence);
    if (lease?.id !== id || !isLeaseOpen(lease)) return undefined;
    if (lease.agentId !== undefined && lease.agentId !== agentId) return undefined;
    this.decide({ type: "lease.granted", fence, agentId, agentName: agentId });
    if (!isLeaseOpen(this.state.leases.get(fence))) return undefined;
    const firstStep = this.#firstStep(fence);
    return firstStep && { firstStep };
  }

  wantsLocks(step: string): boolean {
    if (this.state.end) return false;
    return (step === "" ? this.state.locks : this.state.steps.get(step)?.locks) !== undefined;
  }

  wantsLease({ id, fence }: LeaseName): boolean {
    const lease = this.state.leases.get(fence);
    return lease?.id === id && isLeaseOpen(lease);
  }

  wantsChild(step: string, executionId: string): boolean {
    const { state } = this;
    const record = state.steps.get(step);
    return !state.end && record?.executionId === executionId && isOut(record);
  }

  // --- Data sockets ---

  hello(link: Link, told: readonly StepName[]): void {
    const { socket, agent, lease: claimed } = link;
    if (socket.greeted) return;
    socket.greeted = true;
    const lease = this.#leaseOf(agent, claimed);
    if (!lease) return this.#reply(link, "this lease is over", () => this.#release(link));
    this.#links.set(lease.fence, link);
    const { fence } = lease;
    if (lease.status === "requested") {
      this.decide({ type: "lease.granted", fence, agentId: agent.id, agentName: agent.id });
    }
    const recorded = told.filter((name) => isRecorded(this.state, { ...name, fence }));
    const current = isLeaseOpen(this.state.leases.get(fence));
    link.unrecorded = told.length - recorded.length;
    this.#reply(link, `welcome${current ? "" : ", but it is over"}`, () => {
      const held = agent.held(claimed);
      if (held) agent.welcome(held, current, recorded);
    });
    if (current) this.decide({ type: "agent.connected", fence, attempts: told });
    else if (link.unrecorded === 0) this.#reply(link, "released", () => this.#release(link));
  }

  /** The lease that the agent claims, if it was really given to this agent. */
  #leaseOf(agent: Agent, claimed: LeaseName): LeaseRecord | undefined {
    const lease = this.state.leases.get(claimed.fence);
    if (lease?.id !== claimed.id || lease.status === "queued") return undefined;
    return lease.agentId === undefined || lease.agentId === agent.id ? lease : undefined;
  }

  stepStarted(socket: Socket, key: AttemptKey): void {
    if (!socket.greeted) return this.#world.break(socket);
    this.decide({ type: "step.started", ...key, pid: 7, agentTime: 0 });
  }

  stepFinished(socket: Socket, key: AttemptKey, outcome: AttemptOutcome, values?: StepValues): void {
    if (!socket.greeted) return this.#world.break(socket);
    if (!isRecorded(this.state, key)) {
      const streams = { stdout: EMPTY, stderr: EMPTY };
      this.decide({
        ...{ type: "step.finished", ...key, outcome, values },
        ...{ durationMs: 1, streams, leakedOutput: false },
      });
    }
    const link = this.#links.get(key.fence);
    if (link?.socket !== socket || !isRecorded(this.state, key)) return;
    this.#reply(link, `recorded ${key.step}#${key.attempt}`, () => {
      const held = link.agent.held(link.lease);
      if (held) link.agent.recorded(held, key);
    });
    if (isLeaseOpen(this.state.leases.get(key.fence))) return;
    link.unrecorded = Math.max(0, (link.unrecorded ?? 0) - 1);
    if (link.unrecorded === 0) this.#reply(link, "released", () => this.#release(link));
  }

  /** The agent reports something that it was never asked for, under the fence that it has. */
  confused(agent: Agent): void {
    const link = [...this.#links.values()].find((each) => each.agent === agent && each.socket.open);
    const other = [...openSteps(this.state)].find((step) => isOut(step) && step.fence !== link?.lease.fence);
    if (!link || !other) return;
    const { path: step, attempt } = other;
    const key = { step, attempt, fence: link.lease.fence };
    this.#world.note(() => `! ${agent.id} reports ${step}#${attempt} under ${key.fence}`);
    this.stepFinished(link.socket, key, { type: "exited", exitCode: 0 });
  }

  #release({ agent, lease }: Link): void {
    const held = agent.held(lease);
    if (held) agent.released(held);
  }

  #reply({ socket, agent }: Link, label: string, run: () => void): void {
    this.#world.send(`coordinator to ${agent.id}: ${label}`, run, socket);
  }

  /** False when the agent is not connected. */
  #toAgent(fence: number, label: string, run: (link: Link) => void): boolean {
    const link = this.#links.get(fence);
    if (!link?.socket.open) return false;
    this.#reply(link, label, () => run(link));
    return true;
  }

  lost(socket: Socket): void {
    for (const [fence, link] of this.#links) {
      if (link.socket !== socket) continue;
      this.#links.delete(fence);
      this.decide({ type: "agent.disconnected", fence, reason: "its connection broke" });
    }
  }

  // --- Time and loss ---

  /** When the alarm is due, by the world's clock. */
  get dueAt(): number {
    if (this.alarmAt === undefined) return Number.POSITIVE_INFINITY;
    return this.#world.now + Math.max(0, this.alarmAt - this.#clock);
  }

  alarm(): void {
    this.alarmAt = undefined;
    this.decide({ type: "tick" });
    this.rules.ticked(() => {
      const due = (deadlineOf(this.state)?.at ?? Number.POSITIVE_INFINITY) <= this.#clock;
      if (due) this.decide({ type: "tick" });
      return due;
    });
    for (const effect of unanswered(this.state)) this.#perform(effect);
    for (const link of this.#idleLinks()) this.#reply(link, "released", () => this.#release(link));
    this.#setAlarm();
  }

  /** Sockets of agents that are let go and have not gone yet: they are told again (CM1). */
  #idleLinks(): Link[] {
    const isIdle = ({ lease, unrecorded }: Link) =>
      !isLeaseOpen(this.state.leases.get(lease.fence)) && !unrecorded;
    return [...this.#links.values()].filter(isIdle);
  }

  #setAlarm(): void {
    const waits = [deadlineOf(this.state)?.at ?? Number.POSITIVE_INFINITY];
    if (unanswered(this.state).length > 0 || this.#idleLinks().length > 0)
      waits.push(this.#clock + COMMAND_RESEND_MS);
    const at = Math.max(Math.min(...waits), this.#clock + 1);
    if (at === Number.POSITIVE_INFINITY) return;
    const set = this.alarmAt;
    if (set === undefined || set > at || set <= this.#clock) this.alarmAt = at;
  }

  /** Alarms may be lost by the platform. */
  #sweep(): void {
    this.#setAlarm();
    if (!this.#world.calm) this.#world.after(SWEEP_MS, "", () => this.#sweep());
  }

  /** Its memory is gone; the log, the alarm and the sockets are not. */
  evict(): void {
    this.#state = undefined;
  }

  /** Its sockets and what it was about to do are gone, too. */
  died(): void {
    this.#world.note(() => "the coordinator dies");
    this.diesAfter = undefined;
    this.evict();
    this.#around.outside.coordinatorDied();
    // An alarm that was running is run again; one that was to be set is set by the sweep.
    for (const { socket } of this.#links.values()) this.#world.break(socket);
  }
}
