/**
 * What one lease has to tell its coordinator while a socket is live: output
 * from the spools in bounded flight, and each result again and again until it
 * is recorded.
 */
import type { AgentDataMessage, CoordinatorDataMessage, StepFinished } from "#protocol/data.ts";
import { COMMAND_RESEND_MS } from "#protocol/limits.ts";
import type { Clock } from "../clock.ts";
import type { Attempt, AttemptListener } from "../job/attempt.ts";
import type { HeldLease } from "../job/lease.ts";
import type { SpooledChunk } from "../job/spool.ts";
import { type Log, wordsOf } from "../log.ts";
import type { Link } from "./link.ts";
import { Outbox } from "./outbox.ts";

/** Payload bytes that may be under way without an acknowledgement (a lost connection sends them again). */
const IN_FLIGHT_MAX_BYTES = 8 * 1024 * 1024;
/** Bytes that may wait in the socket; more stays in the spool, so memory stays flat. */
const BUFFERED_MAX_BYTES = 1024 * 1024;

type Incoming<T extends CoordinatorDataMessage["type"]> = Extract<CoordinatorDataMessage, { type: T }>;

export interface SenderDeps {
  lease: HeldLease;
  clock: Clock;
  log: Log;
}

export class Sender implements AttemptListener {
  readonly #deps: SenderDeps;
  readonly #log: Log;
  readonly #outboxes = new Map<Attempt, Outbox>();
  /** A socket that was welcomed, or the first of a new lease. */
  #live: Link | undefined;
  #draining = false;
  #cancelTick: () => void = () => {};
  /** Acknowledgements of output so far. */
  #acks = 0;
  #acksAtTick = 0;
  /** The far end was asked what has arrived, and did not answer yet. */
  #asking = false;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
    this.#log = deps.log;
    for (const attempt of deps.lease.attempts) this.#outboxOf(attempt);
  }

  /** True when nothing that the coordinator should have is left here. */
  get reported(): boolean {
    return this.#outboxes.size === 0;
  }

  get live(): Link | undefined {
    return this.#live;
  }

  /** From now on everything goes over this socket. */
  goLive(link: Link): void {
    this.#live = link;
    this.#asking = false;
    for (const attempt of this.#deps.lease.attempts) this.started(attempt);
    this.#cancelTick();
    this.#cancelTick = this.#deps.clock.after(COMMAND_RESEND_MS, () => this.#tick());
    this.#drain();
  }

  stop(): void {
    this.#live = undefined;
    this.#cancelTick();
  }

  /** Goes back to what the coordinator says that it holds (OT3). */
  resume(attempts: Incoming<"welcome">["attempts"]): void {
    for (const attempt of this.#deps.lease.attempts) this.#outboxOf(attempt).resume({ stdout: 0, stderr: 0 });
    for (const entry of attempts) {
      if (entry.recorded) {
        this.forget(entry);
        continue;
      }
      const outbox = this.#find(entry);
      outbox?.attempt.restate(entry.held);
      outbox?.resume(entry.held);
    }
  }

  started(attempt: Attempt): void {
    if (!attempt.started) return;
    const { step, number, fence, started } = attempt;
    this.#send({ type: "step.started", step, attempt: number, fence, ...started });
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

  /** Says again what there is to say of an attempt. */
  repeat(attempt: Attempt): void {
    this.started(attempt);
    this.#outboxOf(attempt).finishedSent = false;
    this.#drain();
  }

  /** @returns false when that much was never sent */
  acknowledge(message: Incoming<"output.ack">): boolean {
    this.#acks++;
    if (this.#find(message)?.acknowledge(message.stream, message.held) === false) return false;
    this.#drain();
    return true;
  }

  resend(message: Incoming<"output.resend">): void {
    this.#find(message)?.rewind(message.stream, message.from, this.#deps.clock.monotonic());
    this.#drain();
  }

  /** The result is recorded: nothing is left to say of the attempt. */
  forget(name: { step: string; attempt: number }): void {
    const attempt = this.#deps.lease.find(name);
    if (!attempt?.result) return;
    this.#outboxes.delete(attempt);
    this.#deps.lease.forget(name);
  }

  /** Spools that could not be read are tried again, and what may be lost is looked for. */
  #tick(): void {
    this.#cancelTick = this.#deps.clock.after(COMMAND_RESEND_MS, () => this.#tick());
    for (const outbox of this.#outboxes.values()) outbox.unreadable = false;
    this.#lookForLost();
    this.#acksAtTick = this.#acks;
    this.#drain();
  }

  /**
   * Frames can vanish without an error (CM1): results that are not recorded are
   * sent again, and the oldest output when no acknowledgement comes. Not before
   * the far end has answered what was sent after them: on a slow line they are
   * still on their way, and every repeat would make it slower.
   */
  #lookForLost(): void {
    const link = this.#live;
    const results = this.#outboxesWhere((outbox) => outbox.finishedSent);
    const isStalled = this.#acks === this.#acksAtTick && link?.buffered === 0;
    const stalled = isStalled ? this.#outboxesWhere((outbox) => outbox.inFlight > 0) : [];
    if (!link || this.#asking || results.length + stalled.length === 0) return;
    const acks = this.#acks;
    this.#asking = true;
    link.ask(() => {
      if (this.#live !== link) return;
      this.#asking = false;
      for (const outbox of results) outbox.finishedSent = false;
      if (this.#acks === acks) for (const outbox of stalled) this.#probe(outbox);
      this.#drain();
    });
  }

  #outboxesWhere(fits: (outbox: Outbox) => boolean): Outbox[] {
    return [...this.#outboxes.values()].filter(fits);
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
    this.#live?.send(JSON.stringify(message));
  }
}
