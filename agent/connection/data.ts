/**
 * The data socket of one lease. Commands come in and are acknowledged and
 * handed to the lease; output goes out from the spools in bounded flight, and
 * each result again and again until the coordinator has recorded it.
 */
import { AGENT_PATHS } from "#protocol/assertion.ts";
import {
  type AgentDataMessage,
  type CoordinatorDataMessage,
  coordinatorDataMessageSchema,
  type StepFinished,
} from "#protocol/data.ts";
import { COMMAND_RESEND_MS } from "#protocol/limits.ts";
import { CLOSE_CODES, parseFrame } from "#protocol/socket.ts";
import { PROTOCOL_VERSIONS } from "#protocol/version.ts";
import type { Clock } from "../clock.ts";
import type { Attempt, AttemptListener } from "../job/attempt.ts";
import type { HeldLease } from "../job/lease.ts";
import type { SpooledChunk } from "../job/spool.ts";
import { type Log, wordsOf } from "../log.ts";
import type { Ending } from "./backoff.ts";
import { Outbox } from "./outbox.ts";
import type { Link, Session } from "./reconcile.ts";

/** Payload bytes that may be under way without an acknowledgement (a lost connection sends them again). */
const IN_FLIGHT_MAX_BYTES = 8 * 1024 * 1024;
/** Bytes that may wait in the socket; more stays in the spool, so memory stays flat. */
const BUFFERED_MAX_BYTES = 1024 * 1024;

export interface DataSessionDeps {
  lease: HeldLease;
  clock: Clock;
  log: Log;
  /** The lease is over: the socket is to be closed for good. The folder is kept where another lease may come. */
  over(why: string, keepFolder: boolean): void;
}

type Welcome = Extract<CoordinatorDataMessage, { type: "welcome" }>;

export class DataSession implements Session, AttemptListener {
  readonly path: string;
  readonly #deps: DataSessionDeps;
  readonly #log: Log;
  readonly #outboxes = new Map<Attempt, Outbox>();
  #link: Link | undefined;
  /** Where output and results may be sent: a socket that was welcomed, or the first of a new lease. */
  #live: Link | undefined;
  /** Nothing of this lease was ever sent, so its coordinator holds nothing. */
  #untouched: boolean;
  #draining = false;
  #cancelTick: () => void = () => {};
  #ackedSinceTick = false;

  constructor(deps: DataSessionDeps) {
    this.#deps = deps;
    const { lease } = deps;
    this.#untouched = !lease.restored;
    this.path = AGENT_PATHS.execution(encodeURIComponent(lease.lease.executionId));
    this.#log = deps.log.with({ executionId: lease.lease.executionId });
    for (const attempt of lease.attempts) this.#outboxes.set(attempt, new Outbox(attempt));
    lease.listen(this);
  }

  /** True when nothing that the coordinator should have is left here. */
  get reported(): boolean {
    return this.#outboxes.size === 0;
  }

  opened(link: Link): void {
    this.#link = link;
    const { lease } = this.#deps;
    this.#send({
      type: "hello",
      protocol: PROTOCOL_VERSIONS,
      lease: lease.lease,
      attempts: Array.from(lease.attempts, (attempt) => ({
        step: attempt.step,
        attempt: attempt.number,
        fence: attempt.fence,
        state: attempt.result ? ("finished" as const) : ("running" as const),
        spooled: { ...attempt.spool.bytes },
      })),
    });
    // What the welcome would say is known already, so the first output need not wait for it.
    if (this.#untouched) this.#goLive(link);
    this.#untouched = false;
  }

  lost(ending: Ending, heardAt: number | undefined): void {
    const wasLive = this.#live !== undefined;
    this.#link = undefined;
    this.#live = undefined;
    this.#cancelTick();
    if (ending.type === "closed" && ending.code === CLOSE_CODES.leaseOver) {
      this.#deps.over("the coordinator says it is over", true);
    } else if (wasLive) {
      // Silence counts from the last sign of life, anything else from now (LS3).
      const silentSince = ending.type === "silent" ? heardAt : undefined;
      this.#deps.lease.disconnected(silentSince ?? this.#deps.clock.monotonic());
    }
  }

  received(frame: string): string | undefined {
    const parsed = parseFrame(coordinatorDataMessageSchema, frame);
    return parsed.ok ? this.#handle(parsed.message) : parsed.reason;
  }

  started(attempt: Attempt): void {
    if (this.#live) this.#sendStarted(attempt);
  }

  spooled(attempt: Attempt, chunk: SpooledChunk): void {
    const outbox = this.#outboxOf(attempt);
    if (!this.#live) return;
    // From memory when everything before it is out; else it is read back from the spool in its turn.
    if (this.#draining || !outbox.isNext(chunk) || !this.#hasRoom()) return this.#drain();
    this.#sendChunk(outbox, chunk);
    if (this.#live.buffered > 0) attempt.spool.keepFrame();
  }

  finished(attempt: Attempt): void {
    this.#outboxOf(attempt);
    this.#drain();
  }

  /** @returns why the frame cannot be accepted, if so */
  #handle(message: CoordinatorDataMessage): string | undefined {
    const { lease, clock } = this.#deps;
    switch (message.type) {
      case "welcome":
        return this.#welcome(message);
      case "step.start":
      case "step.cancel": {
        this.#send({ type: "ack", id: message.id });
        const known = lease.find(message);
        if (message.type === "step.start") lease.start(message);
        else lease.cancel(message);
        if (known) this.#answerAgain(known);
        return undefined;
      }
      case "output.ack": {
        const outbox = this.#find(message);
        this.#ackedSinceTick = true;
        if (outbox && !outbox.acknowledge(message.stream, message.held)) {
          return `output.ack of ${message.held} bytes that were never sent`;
        }
        this.#drain();
        return undefined;
      }
      case "output.resend":
        this.#find(message)?.rewind(message.stream, message.from, clock.monotonic());
        this.#drain();
        return undefined;
      case "step.recorded":
        this.#forget(message);
        return undefined;
      case "lease.release":
        this.#send({ type: "ack", id: message.id });
        this.#deps.over("released", message.keepFolder ?? false);
        return undefined;
      default:
        return message satisfies never;
    }
  }

  #welcome(message: Welcome): string | undefined {
    const { lease } = this.#deps;
    const link = this.#link;
    if (!link) return undefined;
    if (message.protocol < PROTOCOL_VERSIONS.min || message.protocol > PROTOCOL_VERSIONS.max) {
      link.close(CLOSE_CODES.upgradeRequired, "this agent does not speak that version: upgrade the agent");
      return undefined;
    }
    lease.stale = !message.current;
    link.settle();
    lease.connected();
    if (this.#live === link) return undefined;
    for (const attempt of lease.attempts) this.#outboxOf(attempt).resume({ stdout: 0, stderr: 0 });
    for (const entry of message.attempts) {
      if (entry.recorded) {
        this.#forget(entry);
        continue;
      }
      const outbox = this.#find(entry);
      outbox?.attempt.restate(entry.held);
      outbox?.resume(entry.held);
    }
    this.#goLive(link);
    return undefined;
  }

  #goLive(link: Link): void {
    this.#live = link;
    for (const attempt of this.#deps.lease.attempts) this.#sendStarted(attempt);
    this.#cancelTick();
    this.#cancelTick = this.#deps.clock.after(COMMAND_RESEND_MS, () => this.#tick());
    this.#drain();
  }

  /**
   * Frames can vanish without an error (CM1): sends results again that are not
   * recorded, and the oldest output again when no acknowledgement has come.
   * Spools that could not be read are tried again.
   */
  #tick(): void {
    const { clock } = this.#deps;
    const stalled = !this.#ackedSinceTick && this.#live?.buffered === 0;
    for (const outbox of this.#outboxes.values()) {
      if (stalled) this.#probe(outbox);
      outbox.finishedSent = false;
      outbox.unreadable = false;
    }
    this.#ackedSinceTick = false;
    this.#cancelTick = clock.after(COMMAND_RESEND_MS, () => this.#tick());
    this.#drain();
  }

  /** Sends the oldest chunk in flight again: whatever the other end holds, it will say so. */
  #probe(outbox: Outbox): void {
    const link = this.#live;
    outbox.readOldestInFlight().then(
      (chunk) => {
        if (chunk && this.#live === link) link?.send(chunk.frame);
      },
      (error) => this.#log.error("cannot read the spool", { reason: wordsOf(error) }),
    );
  }

  /** A command came about an attempt that is known: what there is to say of it is said again. */
  #answerAgain(attempt: Attempt): void {
    this.#sendStarted(attempt);
    this.#outboxOf(attempt).finishedSent = false;
    this.#drain();
  }

  #forget(name: { step: string; attempt: number }): void {
    const attempt = this.#deps.lease.find(name);
    if (!attempt?.result) return;
    this.#outboxes.delete(attempt);
    this.#deps.lease.forget(name);
  }

  /** Sends whatever may be sent, output before results; goes on by itself when there is room again. */
  #drain(): void {
    if (this.#draining || !this.#live) return;
    this.#draining = true;
    void this.#drainAll().finally(() => {
      this.#draining = false;
      // Something may have come in between the last look and now.
      if (this.#nextSendable()) this.#drain();
    });
  }

  async #drainAll(): Promise<void> {
    for (;;) {
      const outbox = this.#nextSendable();
      if (!outbox) return;
      this.#toTheEnd(outbox);
      if (outbox.hasResult) this.#sendFinished(outbox);
      else await this.#drainOutput(outbox).catch((error) => this.#unreadable(outbox, error));
    }
  }

  /** Whoever was served waits for the others: a step that floods holds up none beside it. */
  #toTheEnd(outbox: Outbox): void {
    this.#outboxes.delete(outbox.attempt);
    this.#outboxes.set(outbox.attempt, outbox);
  }

  #unreadable(outbox: Outbox, error: unknown): void {
    outbox.unreadable = true;
    const { step } = outbox.attempt;
    this.#log.error("cannot read the spool; trying again soon", { step, reason: wordsOf(error) });
  }

  /** Sends one read's worth of an attempt's spool. */
  async #drainOutput(outbox: Outbox): Promise<void> {
    const { generation } = outbox;
    const link = this.#live;
    const chunks = await outbox.read();
    if (chunks.length === 0) throw new Error(`no whole chunk in ${outbox.attempt.spool.path}`);
    for (const chunk of chunks) {
      // An acknowledgement, a new connection or a rewind may have come while it was read.
      if (this.#live !== link || outbox.generation !== generation || !this.#inFlightAllows()) return;
      this.#sendChunk(outbox, chunk);
    }
  }

  /**
   * The first attempt with something that may be sent now. Output is read back
   * only when the socket has nothing left: then its buffer can be used again.
   */
  #nextSendable(): Outbox | undefined {
    if (!this.#live) return undefined;
    const mayRead = this.#live.buffered === 0 && this.#hasRoom();
    for (const outbox of this.#outboxes.values()) {
      if (outbox.hasResult || (outbox.hasOutput && mayRead && !outbox.unreadable)) return outbox;
    }
    return undefined;
  }

  #hasRoom(): boolean {
    return this.#live !== undefined && this.#live.buffered < BUFFERED_MAX_BYTES && this.#inFlightAllows();
  }

  #inFlightAllows(): boolean {
    let inFlight = 0;
    for (const outbox of this.#outboxes.values()) inFlight += outbox.inFlight;
    return inFlight < IN_FLIGHT_MAX_BYTES;
  }

  #sendChunk(outbox: Outbox, chunk: SpooledChunk): void {
    if (outbox.advance(chunk)) this.#live?.send(chunk.frame, () => this.#drain());
  }

  #sendStarted(attempt: Attempt): void {
    if (!attempt.started) return;
    const { step, number, fence, started } = attempt;
    this.#send({ type: "step.started", step, attempt: number, fence, ...started });
  }

  #sendFinished(outbox: Outbox): void {
    const { step, number: attempt, fence, result } = outbox.attempt;
    if (!result) return;
    outbox.finishedSent = true;
    const message: StepFinished = { type: "step.finished", step, attempt, fence, ...result };
    this.#send(message);
  }

  #find(name: { step: string; attempt: number }): Outbox | undefined {
    const attempt = this.#deps.lease.find(name);
    return attempt && this.#outboxes.get(attempt);
  }

  #outboxOf(attempt: Attempt): Outbox {
    let outbox = this.#outboxes.get(attempt);
    if (!outbox) {
      outbox = new Outbox(attempt);
      this.#outboxes.set(attempt, outbox);
    }
    return outbox;
  }

  #send(message: AgentDataMessage): void {
    this.#link?.send(JSON.stringify(message));
  }
}
