/**
 * Time, messages and timers of a simulation. Nothing happens by itself: the
 * schedule says which message arrives next and when time goes on.
 */
import { HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";
import { Random } from "./random.ts";

/** A call between objects that takes longer than this has failed. */
const CALL_MAX_MS = 30_000;

/** A connection between an agent and an object. What is on its way is lost with it. */
export class Socket {
  open = true;
  /** The first frame has been taken. */
  greeted = false;
  /** It was answered. */
  welcomed = false;
  readonly ends: { lost(socket: Socket): void }[];
  readonly name: string;

  constructor(name: string, ends: { lost(socket: Socket): void }[]) {
    this.name = name;
    this.ends = ends;
  }
}

export interface Message {
  label: string;
  socket?: Socket;
  sentAt: number;
  /** It happens sooner or later, whatever is lost. */
  certain?: boolean;
  run(): void;
}

interface Timer {
  at: number;
  label: string;
  run(): void;
}

/** Thrown where a process dies; caught where the world made it do something. */
export class Crash extends Error {
  readonly victim: { died(): void };

  constructor(victim: { died(): void }) {
    super("crash");
    this.victim = victim;
  }
}

/** A rule that did not hold. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`);
    this.rule = rule;
  }
}

export class World {
  /** Ms, by a clock that never jumps. */
  now = 1_000;
  /** Nothing fails any more. */
  calm = false;
  readonly messages: Message[] = [];
  readonly #timers: Timer[] = [];
  /** The chance of the present step of the schedule. */
  random = new Random(0);
  /** For behaviour that does not depend on the schedule. */
  readonly seed: number;
  /** What happened, for people; kept only when asked for. */
  readonly trace: string[] | undefined;

  constructor(seed: number, traced: boolean) {
    this.seed = seed;
    this.trace = traced ? [] : undefined;
  }

  note(text: () => string): void {
    this.trace?.push(`${String(this.now).padStart(9)}  ${text()}`);
  }

  send(label: string, run: () => void, socket?: Socket): void {
    if (socket && !socket.open) return;
    this.messages.push({ label, socket, sentAt: this.now, run });
  }

  after(ms: number, label: string, run: () => void): void {
    this.#timers.push({ at: this.now + Math.max(0, ms), label, run });
  }

  /** Both ends learn of it, each in its own time. */
  break(socket: Socket): void {
    if (!socket.open) return;
    socket.open = false;
    this.note(() => `${socket.name} breaks`);
    for (let index = this.messages.length - 1; index >= 0; index--) {
      if (this.messages[index]?.socket === socket) this.messages.splice(index, 1);
    }
    for (const end of socket.ends) {
      const [label, run] = [`${socket.name} is gone`, () => end.lost(socket)];
      this.messages.push({ label, sentAt: this.now, certain: true, run });
    }
  }

  deliver(index: number, repeat = false): void {
    const message = this.messages[index];
    if (!message) return;
    if (!repeat) this.messages.splice(index, 1);
    this.note(() => `→ ${message.label}${repeat ? " (and once more)" : ""}`);
    this.#run(message);
  }

  drop(index: number): void {
    if (this.messages[index]?.certain) return;
    const [message] = this.messages.splice(index, 1);
    if (message) this.note(() => `✗ ${message.label}`);
  }

  get nextTimerAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.#timers) if (at < next) next = at;
    return next;
  }

  /** Time goes on; what has been on its way for too long never arrives. */
  advance(to: number): void {
    this.now = Math.max(this.now, to);
    for (const message of [...this.messages]) {
      const age = this.now - message.sentAt;
      if (message.socket && age > HEARTBEAT_TIMEOUT_MS) this.break(message.socket);
      else if (!message.socket && age > CALL_MAX_MS) {
        const index = this.messages.indexOf(message);
        if (index >= 0) this.drop(index);
      }
    }
  }

  /** Runs the timer that is due first. */
  fire(): void {
    let first = 0;
    this.#timers.forEach((timer, index) => {
      if (timer.at < (this.#timers[first]?.at ?? Number.POSITIVE_INFINITY)) first = index;
    });
    const [timer] = this.#timers.splice(first, 1);
    if (!timer) return;
    this.advance(timer.at);
    if (timer.label) this.note(() => `⏲ ${timer.label}`);
    this.#run(timer);
  }

  /** Does something to a process; it may die of it. */
  #run(thing: { run(): void }): void {
    try {
      thing.run();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      error.victim.died();
    }
  }

  /** The same, for what is neither message nor timer. */
  act(label: string, run: () => void): void {
    this.note(() => `! ${label}`);
    this.#run({ run });
  }
}
