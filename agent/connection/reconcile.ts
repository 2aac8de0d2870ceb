/**
 * The one loop that owns every socket of the agent. Anything that happens (a
 * lease, a closed socket, a drain, a shutdown) only changes what is wanted or
 * what is known, and wakes it; `decide` then says what to do about the
 * difference, and when to look again.
 */
import type { ErrorCode } from "#protocol/errors.ts";
import { HEARTBEAT_PING, HEARTBEAT_PONG } from "#protocol/limits.ts";
import { CLOSE_CODES } from "#protocol/socket.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { type Ending, planRetry, refusalCode } from "./backoff.ts";
import { Echoes } from "./echoes.ts";
import { beat, type Pulse } from "./heartbeat.ts";
import type { Dial, Link, Session, Socket } from "./link.ts";

/** A hello or its welcome can vanish without an error: a socket that stays without one is dialed again. */
export const WELCOME_TIMEOUT_MS = 15_000;

type Status =
  | { phase: "down"; dialAt: number }
  | { phase: "dialing"; since: number; abort: () => void }
  | { phase: "open"; socket: Socket; openedAt: number; pulse: Pulse; echoes: Echoes; settled: boolean };

/** How it stands with a socket; times are monotonic, in ms. */
export type Contact = (
  | { phase: "down"; dialAt: number }
  | { phase: "dialing"; since: number }
  | { phase: "open"; openedAt: number; heardAt: number; settled: boolean }
) & {
  /** How the last connection, or the last try, ended; undefined once there is a welcomed one. */
  problem?: ContactProblem | undefined;
};

/** Why there is no connection. */
export interface ContactProblem {
  words: string;
  /** Which refusal of the control plane it was, if it was one. */
  code: ErrorCode | undefined;
}

interface Entry {
  session: Session;
  wanted: boolean;
  closing: { code: number; reason: string };
  failures: number;
  status: Status;
  /** How the last connection, or the last try, ended; undefined once it is welcomed. */
  problem: ContactProblem | undefined;
  /** Which dial the status belongs to: late events of an older one are ignored. */
  dial: symbol | undefined;
}

export type Action = { type: "dial" | "ping" | "dead" | "close" | "abort" | "forget"; key: string };

/** What to do now about each socket, and the monotonic time to look again. */
export function decide(
  entries: ReadonlyMap<string, Pick<Entry, "wanted" | "status">>,
  now: number,
): { actions: Action[]; wakeAt: number } {
  const actions: Action[] = [];
  let wakeAt = Number.POSITIVE_INFINITY;
  for (const [key, { wanted, status }] of entries) {
    switch (status.phase) {
      case "down":
        if (!wanted) actions.push({ type: "forget", key });
        else if (now >= status.dialAt) actions.push({ type: "dial", key });
        else wakeAt = Math.min(wakeAt, status.dialAt);
        break;
      case "dialing":
        if (!wanted) actions.push({ type: "abort", key });
        break;
      case "open": {
        const next = beat(status.pulse, now);
        const welcomeBy = status.settled ? Number.POSITIVE_INFINITY : status.openedAt + WELCOME_TIMEOUT_MS;
        if (next.type === "dead" || now >= welcomeBy) actions.push({ type: "dead", key });
        else if (!wanted) actions.push({ type: "close", key });
        else if (next.type === "ping") actions.push({ type: "ping", key });
        if (next.type === "wait") wakeAt = Math.min(wakeAt, next.until);
        wakeAt = Math.min(wakeAt, welcomeBy);
        break;
      }
      default:
        status satisfies never;
    }
  }
  return { actions, wakeAt };
}

/** Stay the right decision until the socket has reported its end; asking again does nothing. */
const IN_PROGRESS: ReadonlySet<Action["type"]> = new Set(["close", "abort"]);

export interface ReconcilerDeps {
  dial: Dial;
  clock: Clock;
  log: Log;
  /** From 0 up to 1. */
  random: () => number;
  /** Called whenever something may be different about a socket. */
  changed?: () => void;
}

export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #entries = new Map<string, Entry>();
  #awake = false;
  #cancelTimer: () => void = () => {};
  #emptied: (() => void)[] = [];

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
  }

  /** Keeps a socket for this session open from now on. */
  want(key: string, session: Session): void {
    this.#entries.set(key, {
      session,
      wanted: true,
      closing: { code: 1000, reason: "" },
      failures: 0,
      status: { phase: "down", dialAt: 0 },
      problem: undefined,
      dial: undefined,
    });
    this.wake();
  }

  /** Closes the socket and dials again at once, so that the far end hears how things are now; a dial that is under way is given up for it. */
  redial(key: string, reason: string): void {
    const entry = this.#entries.get(key);
    if (!entry || entry.status.phase === "down") return;
    const { status } = entry;
    entry.dial = undefined;
    entry.status = { phase: "down", dialAt: this.#deps.clock.monotonic() };
    if (status.phase === "dialing") status.abort();
    else {
      status.socket.close(1000, reason);
      entry.session.lost({ type: "closed", code: 1000, reason, settled: true }, status.pulse.heardAt);
    }
    this.wake();
  }

  /** Closes the socket for good. */
  unwant(key: string, reason: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    entry.wanted = false;
    entry.closing = { code: 1000, reason };
    this.wake();
  }

  /** How it stands with a socket; undefined when it is not, or no longer, wanted. */
  contact(key: string): Contact | undefined {
    const entry = this.#entries.get(key);
    if (!entry?.wanted) return undefined;
    const { status, problem } = entry;
    switch (status.phase) {
      case "down":
        return { phase: "down", dialAt: status.dialAt, problem };
      case "dialing":
        return { phase: "dialing", since: status.since, problem };
      case "open": {
        const { openedAt, pulse, settled } = status;
        return { phase: "open", openedAt, heardAt: pulse.heardAt, settled, problem };
      }
      default:
        return status satisfies never;
    }
  }

  /** Closes every socket; resolves when all are gone. */
  shutdown(reason: string): Promise<void> {
    for (const key of this.#entries.keys()) this.unwant(key, reason);
    return new Promise((resolve) => {
      this.#emptied.push(resolve);
      this.wake();
    });
  }

  /** Looks at everything soon, once, however often it is called. */
  wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    queueMicrotask(() => {
      this.#awake = false;
      this.#pass();
    });
  }

  #pass(): void {
    const now = this.#deps.clock.monotonic();
    const { actions } = decide(this.#entries, now);
    for (const action of actions) this.#perform(action, now);
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    // Decided again over what the actions have changed, so that no time to wake is missed.
    const { actions: more, wakeAt } = decide(this.#entries, now);
    if (more.some((action) => !IN_PROGRESS.has(action.type))) this.wake();
    if (wakeAt !== Number.POSITIVE_INFINITY) {
      this.#cancelTimer = this.#deps.clock.after(wakeAt - now, () => this.wake());
    }
    if (this.#entries.size === 0) for (const resolve of this.#emptied.splice(0)) resolve();
    this.#deps.changed?.();
  }

  #perform(action: Action, now: number): void {
    const entry = this.#entries.get(action.key);
    if (!entry) return;
    const { status } = entry;
    switch (action.type) {
      case "forget":
        this.#entries.delete(action.key);
        break;
      case "dial":
        this.#dial(entry);
        break;
      case "abort":
        if (status.phase === "dialing") status.abort();
        break;
      case "close":
        if (status.phase === "open") status.socket.close(entry.closing.code, entry.closing.reason);
        break;
      case "dead":
        if (status.phase === "open") this.#lost(entry, { type: "silent" });
        break;
      case "ping":
        if (status.phase === "open") ping(status, now);
        break;
      default:
        action.type satisfies never;
    }
  }

  #dial(entry: Entry): void {
    const { clock } = this.#deps;
    const dial = Symbol("dial");
    const dialing: Status = { phase: "dialing", since: clock.monotonic(), abort: () => {} };
    // Set before dialing: an event may arrive before the function returns.
    entry.dial = dial;
    entry.status = dialing;
    dialing.abort = this.#deps.dial(entry.session.path, {
      opened: (socket) => {
        if (entry.dial !== dial) return;
        const now = clock.monotonic();
        entry.status = {
          phase: "open",
          socket,
          openedAt: now,
          pulse: { pingedAt: now, heardAt: now },
          echoes: new Echoes(),
          settled: false,
        };
        entry.session.opened(this.#linkOf(entry, socket));
        this.wake();
      },
      received: (frame) => {
        if (entry.dial === dial) this.#received(entry, frame);
      },
      ended: (ending) => {
        if (entry.dial !== dial) return;
        const settled = entry.status.phase === "open" && entry.status.settled;
        this.#lost(entry, ending.type === "closed" ? { ...ending, settled } : ending);
      },
    });
  }

  #received(entry: Entry, frame: string): void {
    const { status } = entry;
    if (status.phase !== "open") return;
    status.pulse = { ...status.pulse, heardAt: this.#deps.clock.monotonic() };
    if (frame === HEARTBEAT_PONG) return status.echoes.answered();
    const reason = entry.session.received(frame);
    if (reason === undefined) return;
    this.#deps.log.warn("refused a frame that is not of the protocol", { path: entry.session.path, reason });
    status.socket.close(CLOSE_CODES.protocolError, reason);
    this.#lost(entry, { type: "closed", code: CLOSE_CODES.protocolError, reason, settled: status.settled });
  }

  #linkOf(entry: Entry, socket: Socket): Link {
    return {
      send: (frame, sent) => socket.send(frame, sent),
      get buffered() {
        return socket.buffered;
      },
      close: (code, reason) => socket.close(code, reason),
      terminate: () => socket.terminate(),
      settle: () => {
        entry.problem = undefined;
        if (entry.status.phase !== "open") return;
        entry.status.settled = true;
        this.wake();
      },
      ask: (arrived) => {
        const { status } = entry;
        if (status.phase === "open" && status.socket === socket) {
          ping(status, this.#deps.clock.monotonic(), arrived);
        }
      },
    };
  }

  /** Notes that a socket is gone; the loop dials again when the pause is over. */
  #lost(entry: Entry, ending: Ending): void {
    const { status } = entry;
    const { clock, log, random } = this.#deps;
    const heardAt = status.phase === "open" ? status.pulse.heardAt : undefined;
    if (ending.type === "silent" && status.phase === "open") status.socket.terminate();
    const retry = planRetry(ending, entry.failures, random());
    entry.dial = undefined;
    entry.failures = retry.failures;
    entry.problem = { words: retry.words, code: refusalCode(ending) };
    entry.status = { phase: "down", dialAt: clock.monotonic() + retry.delayMs };
    entry.session.lost(ending, heardAt);
    if (entry.wanted) {
      log.warn(retry.words, { path: entry.session.path, retryInMs: Math.round(retry.delayMs) });
    }
    this.wake();
  }
}

function ping(status: Extract<Status, { phase: "open" }>, now: number, arrived?: () => void): void {
  status.socket.send(HEARTBEAT_PING);
  status.pulse = { ...status.pulse, pingedAt: now };
  status.echoes.pinged(now, arrived);
}
