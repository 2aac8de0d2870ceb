/**
 * A model of the agent: its journal, which survives a crash, and the processes
 * and sockets, which do not. It keeps the rules of docs/protocol.md: `started`
 * is on disk before anything is spawned, a command that comes again is answered
 * from the journal, a result is repeated until it is recorded.
 */
import type { AttemptOutcome } from "#protocol/data.ts";
import {
  CANCEL_GRACE_MS,
  COMMAND_RESEND_MS,
  LEASE_DISCONNECT_MS,
  STEP_TIMEOUT_DEFAULT_MS,
} from "#protocol/limits.ts";
import { blockAt } from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";
import {
  type Attempt,
  behaviourOf,
  type HeldLease,
  keyOf,
  type LeaseName,
  type Process,
  type StepName,
  stopped,
  wordsOf,
} from "./attempt.ts";
import type { Coordinator } from "./coordinator.ts";
import type { Oracle } from "./oracle.ts";
import type { Pool } from "./pool.ts";
import { randomFor } from "./random.ts";
import { Crash, Socket, type World } from "./world.ts";

const OVER_GRACE_MS = 2_000;
const WELCOME_MS = 15_000;

export interface Surroundings {
  world: World;
  oracle: Oracle;
  plan: Plan;
  coordinator: Coordinator;
  pool: Pool;
}

export class Agent {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly slots: number;
  up = true;
  /** It dies when it has written `started` the next time, before it spawns. */
  diesAtStart = false;
  /** What another organization's work takes of it. */
  otherBusy = 0;
  control: Socket | undefined;
  readonly #around: Surroundings;
  readonly #leases = new Map<string, HeldLease>();
  /** Leases that were declined or are over: an offer of one is an echo. */
  readonly #over = new Set<string>();
  #life = 1;

  constructor(id: string, slots: number, labels: Record<string, string>, around: Surroundings) {
    this.id = id;
    this.slots = slots;
    this.labels = labels;
    this.#around = around;
  }

  held({ id }: LeaseName): HeldLease | undefined {
    return this.#leases.get(id);
  }

  get leases(): Iterable<HeldLease> {
    return this.#leases.values();
  }

  // --- Control socket ---

  dialControl(): void {
    if (!this.up || this.control?.open) return;
    const { world, pool } = this.#around;
    const socket = new Socket(`control of ${this.id}`, [this, pool]);
    this.control = socket;
    const leases = [...this.#leases.values()].filter(({ ending }) => !ending);
    const told = leases.map(({ id, fence }) => ({ id, fence }));
    world.send(`${this.id}: hello, ${told.length} leases`, () => pool.hello(socket, this, told), socket);
    this.#expectWelcome(socket);
  }

  welcomed(socket: Socket): void {
    socket.welcomed = true;
  }

  #tellPool(label: string, run: () => void): void {
    if (this.control) this.#around.world.send(`${this.id}: ${label}`, run, this.control);
  }

  offered(name: LeaseName, firstStep: StepName | undefined): void {
    if (!this.up) return;
    const { pool, world } = this.#around;
    const accept = () => this.#tellPool(`accepts ${name.fence}`, () => pool.accepted(this, name));
    if (this.#leases.has(name.id)) return accept();
    if (this.#over.has(name.id)) return this.#tellPool(`ended ${name.fence}`, () => pool.ended(this, name));
    if (this.#leases.size + this.otherBusy >= this.slots || world.random.chance(0.05)) {
      this.#over.add(name.id);
      return this.#tellPool(`declines ${name.fence}`, () => pool.declined(this, name));
    }
    const lease: HeldLease = {
      ...name,
      attempts: new Map(),
      recorded: new Set(),
      ...{ stale: false, ending: false, live: false, untouched: true, apartSince: world.now },
    };
    this.#leases.set(name.id, lease);
    accept();
    this.#watch(lease);
    this.#dial(lease);
    if (firstStep) this.start(lease, firstStep);
  }

  revoked(name: LeaseName): void {
    if (!this.up) return;
    const lease = this.#leases.get(name.id);
    if (lease) this.#end(lease);
    else {
      this.#over.add(name.id);
      this.#tellPool(`ended ${name.fence}`, () => this.#around.pool.ended(this, name));
    }
  }

  /** Kills what runs under it; when that is gone the slot is free. */
  #end(lease: HeldLease): void {
    lease.ending = true;
    if (lease.socket) this.#around.world.break(lease.socket);
    for (const attempt of lease.attempts.values()) this.#stop(lease, attempt, "canceled", OVER_GRACE_MS);
    this.#endIfIdle(lease);
  }

  #endIfIdle(lease: HeldLease): void {
    if (!lease.ending || [...lease.attempts.values()].some(({ process }) => process)) return;
    if (!this.#leases.delete(lease.id)) return;
    this.#over.add(lease.id);
    this.#tellPool(`ended ${lease.fence}`, () => this.#around.pool.ended(this, lease));
  }

  // --- Data socket ---

  #dial(lease: HeldLease): void {
    if (!this.up || lease.ending || lease.socket?.open) return;
    const { world, coordinator } = this.#around;
    const socket = new Socket(`data of ${this.id} for ${lease.fence}`, [this, coordinator]);
    lease.socket = socket;
    lease.live = lease.untouched;
    lease.untouched = false;
    const attempts = [...lease.attempts.values()].map(({ step, attempt }) => ({ step, attempt }));
    const { id, fence } = lease;
    const link = { socket, agent: this as Agent, lease: { id, fence } };
    const told = attempts.map(({ step, attempt }) => `${step}#${attempt}`).join(" ");
    world.send(`${this.id}: hello for ${fence} [${told}]`, () => coordinator.hello(link, attempts), socket);
    this.#timer(COMMAND_RESEND_MS, () => this.#repeat(lease, socket));
    this.#expectWelcome(socket);
  }

  /** Rule HS4. */
  #expectWelcome(socket: Socket): void {
    this.#timer(WELCOME_MS, () => {
      if (!socket.welcomed) this.#around.world.break(socket);
    });
  }

  welcome(lease: HeldLease, current: boolean, recorded: readonly StepName[]): void {
    if (!this.up || lease.ending) return;
    lease.stale = !current;
    if (lease.socket) lease.socket.welcomed = true;
    lease.live = true;
    for (const name of recorded) this.recorded(lease, name);
    for (const attempt of lease.attempts.values()) this.#report(lease, attempt);
  }

  lost(socket: Socket): void {
    if (!this.up) return;
    if (socket === this.control) {
      this.#timer(this.#backoff(), () => this.dialControl());
      return;
    }
    for (const lease of this.#leases.values()) {
      if (lease.socket !== socket) continue;
      lease.live = false;
      lease.apartSince = this.#around.world.now;
      this.#watch(lease);
      this.#timer(this.#backoff(), () => this.#dial(lease));
    }
  }

  #backoff(): number {
    return this.#around.world.random.int(20_000);
  }

  /** Rule LS3. */
  #watch(lease: HeldLease): void {
    const since = lease.apartSince;
    this.#timer(LEASE_DISCONNECT_MS, () => {
      if (lease.live || lease.apartSince !== since) return;
      for (const attempt of lease.attempts.values()) {
        const block = blockAt(this.#around.plan, attempt.step);
        const stops = block && "onDisconnect" in block && block.onDisconnect === "stop";
        if (stops) this.#stop(lease, attempt, "disconnected", CANCEL_GRACE_MS);
      }
    });
  }

  /** Frames can vanish without an error: results are said again until they are recorded. */
  #repeat(lease: HeldLease, socket: Socket): void {
    if (!socket.open || lease.socket !== socket) return;
    const waiting = [...lease.attempts.values()].filter(({ outcome }) => outcome);
    for (const attempt of waiting) this.#report(lease, attempt);
    this.#timer(COMMAND_RESEND_MS, () => this.#repeat(lease, socket));
  }

  #report(lease: HeldLease, attempt: Attempt): void {
    const { world, coordinator } = this.#around;
    const { socket } = lease;
    if (!socket || !lease.live) return;
    const { step, attempt: number, outcome, values } = attempt;
    const key = { step, attempt: number, fence: lease.fence };
    const name = `${step}#${number}`;
    if (attempt.started) {
      world.send(`${this.id}: ${name} has started`, () => coordinator.stepStarted(socket, key), socket);
    }
    if (outcome) {
      const send = () => coordinator.stepFinished(socket, key, outcome, values);
      world.send(`${this.id}: ${name} ${wordsOf(outcome)}`, send, socket);
    }
  }

  recorded(lease: HeldLease, name: StepName): void {
    const key = keyOf(name);
    if (!lease.attempts.get(key)?.outcome) return;
    lease.attempts.delete(key);
    lease.recorded.add(key);
  }

  released(lease: HeldLease): void {
    if (this.up && this.#leases.has(lease.id)) this.#end(lease);
  }

  // --- Steps ---

  start(lease: HeldLease, name: StepName): void {
    if (!this.up || lease.ending) return;
    const key = keyOf(name);
    if (lease.recorded.has(key)) return;
    const known = lease.attempts.get(key);
    if (known) return this.#report(lease, known);
    const attempt: Attempt = { step: name.step, attempt: name.attempt, started: false };
    lease.attempts.set(key, attempt);
    if (lease.stale) {
      return this.#finish(lease, attempt, { type: "refused", code: "stale_fence", detail: "a newer lease" });
    }
    this.#startWhenAlone(lease, attempt);
  }

  /** An earlier attempt of the step that still runs here is ended first: attempts never overlap (G2). */
  #startWhenAlone(lease: HeldLease, attempt: Attempt): void {
    if (lease.ending || attempt.outcome) return;
    let alone = true;
    for (const other of this.#leases.values()) {
      for (const each of other.attempts.values()) {
        if (each === attempt || each.step !== attempt.step || !each.process) continue;
        alone = false;
        this.#stop(other, each, "canceled", OVER_GRACE_MS);
      }
    }
    if (alone) this.#spawn(lease, attempt);
    else this.#timer(OVER_GRACE_MS, () => this.#startWhenAlone(lease, attempt));
  }

  #spawn(lease: HeldLease, attempt: Attempt): void {
    const { world, oracle, plan } = this.#around;
    attempt.started = true;
    if (this.diesAtStart) throw new Crash(this);
    const { step, attempt: number } = attempt;
    const block = blockAt(plan, step);
    const timeoutMs = block?.timeoutMs ?? STEP_TIMEOUT_DEFAULT_MS;
    const process: Process = { run: oracle.starts(step, number, `${this.id} under ${lease.fence}`) };
    attempt.process = process;
    world.note(() => `  ${this.id} runs ${step}#${number}`);
    this.#report(lease, attempt);
    const { durationMs, outcome, values } = behaviourOf(world.seed, attempt, timeoutMs);
    // A process goes on when its agent dies: only its end is told to nobody.
    world.after(durationMs, `the process of ${step}#${number} ends`, () => {
      if (!process.run.running) return;
      process.run.running = false;
      if (attempt.process !== process || !this.up) return;
      attempt.values = values;
      this.#finish(lease, attempt, process.stopping ? stopped(process.stopping) : outcome);
    });
    this.#timer(timeoutMs, () => this.#stop(lease, attempt, "timed_out", CANCEL_GRACE_MS));
  }

  cancel(lease: HeldLease, name: StepName, reason: "canceled" | "timed_out"): void {
    if (!this.up || lease.ending) return;
    const key = keyOf(name);
    if (lease.recorded.has(key)) return;
    const known = lease.attempts.get(key);
    if (known) {
      this.#report(lease, known);
      return this.#stop(lease, known, reason, CANCEL_GRACE_MS);
    }
    const attempt: Attempt = { step: name.step, attempt: name.attempt, started: false };
    lease.attempts.set(key, attempt);
    this.#finish(lease, attempt, stopped(reason));
  }

  #stop(lease: HeldLease, attempt: Attempt, reason: NonNullable<Process["stopping"]>, graceMs: number): void {
    const { process } = attempt;
    if (!process && !attempt.started && !attempt.outcome && reason !== "disconnected") {
      return this.#finish(lease, attempt, stopped(reason));
    }
    if (!process || process.stopping) return;
    process.stopping = reason;
    const { world } = this.#around;
    // Something of it may not be gone whatever is done (CX2).
    const confirmed = !randomFor(world.seed, attempt.step, attempt.attempt, "stop").chance(0.05);
    this.#timer(confirmed ? world.random.int(graceMs) : graceMs, () => {
      if (!process.run.running) return;
      if (confirmed) process.run.running = false;
      else process.run.isLeft = true;
      this.#finish(lease, attempt, stopped(reason, confirmed));
    });
  }

  #finish(lease: HeldLease, attempt: Attempt, outcome: AttemptOutcome): void {
    if (attempt.process) attempt.process.run.end = "known";
    attempt.process = undefined;
    attempt.outcome = outcome;
    if (lease.ending) return this.#endIfIdle(lease);
    this.#report(lease, attempt);
  }

  // --- Life ---

  /** What only this life of the agent waits for. */
  #timer(ms: number, run: () => void): void {
    const life = this.#life;
    this.#around.world.after(ms, "", () => {
      if (this.up && this.#life === life) run();
    });
  }

  died(): void {
    if (!this.up) return;
    const { world } = this.#around;
    world.note(() => `${this.id} dies`);
    this.up = false;
    this.diesAtStart = false;
    if (this.control) world.break(this.control);
    for (const { socket, attempts } of this.#leases.values()) {
      if (socket) world.break(socket);
      for (const { process } of attempts.values()) if (process) process.run.end = "unknown";
    }
  }

  /** Its machine is set up anew under the same key: nothing is left of its journal. */
  wiped(): void {
    this.died();
    this.#around.world.note(() => `${this.id} has lost its disk`);
    this.#around.oracle.forget(`${this.id} `);
    this.#leases.clear();
    this.#over.clear();
  }

  /** Ends what is left of what it had started, and calls that unknown (ST2). */
  restart(): void {
    if (this.up) return;
    this.up = true;
    this.#life++;
    for (const lease of this.#leases.values()) {
      lease.live = false;
      lease.apartSince = this.#around.world.now;
      for (const attempt of [...lease.attempts.values()]) {
        const { process } = attempt;
        if (process) {
          process.run.running = false;
          attempt.process = undefined;
        }
        if (attempt.outcome) continue;
        if (attempt.started) attempt.outcome = { type: "unknown", detail: "the agent stopped while it ran" };
        else lease.attempts.delete(keyOf(attempt));
      }
      if (lease.ending) this.#endIfIdle(lease);
      else this.#dial(lease);
    }
    this.dialControl();
  }
}
