/**
 * What the processes of one attempt print, from their pipes into its spool,
 * and on to whoever sends it. A disk that does not take it holds up the pipes,
 * and so the processes. Secrets are taken out before anything is gathered.
 */
import { STREAMS, type Stream } from "#protocol/chunk.ts";
import { type Clock, sleep, within } from "../clock.ts";
import { type Log, wordsOf } from "../log.ts";
import type { KnownSecrets } from "../redact/known.ts";
import { Redactor } from "../redact/redactor.ts";
import { OutputGatherer } from "./output.ts";
import { type Pipe, type PipeReading, readPipe } from "./pipes.ts";
import type { PerStream, Spool, SpooledChunk } from "./spool.ts";

/** How long output may stay open after the script has ended (OT6). */
const LEAK_GRACE_MS = 2_000;
/** Pause before a full disk is tried again. */
const SPOOL_RETRY_MS = 1_000;

export interface CaptureOptions {
  spool: Spool;
  /** What both streams together may keep (OT5). */
  limitBytes: number;
  known: KnownSecrets;
  clock: Clock;
  log: Log;
  spooled(chunk: SpooledChunk): void;
}

export class OutputCapture {
  readonly #options: CaptureOptions;
  readonly #gatherer: OutputGatherer;
  readonly #redactors: PerStream<Redactor>;
  #pipes: PipeReading[] = [];
  #stopping = false;

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#gatherer = new OutputGatherer(options.clock, options.limitBytes, (stream, payload) =>
      this.#store(stream, payload),
    );
    const redactor = (stream: Stream) =>
      new Redactor(options.known.matcher, (bytes) => this.#gatherer.push(stream, bytes));
    this.#redactors = { stdout: redactor("stdout"), stderr: redactor("stderr") };
  }

  /** Bytes of each stream that were printed and not kept. */
  get cutBytes(): PerStream<number> {
    return this.#gatherer.cutBytes;
  }

  read(pipes: PerStream<Pipe>): void {
    this.#pipes = STREAMS.map((stream) => readPipe(pipes[stream], (bytes) => this.say(stream, bytes)));
  }

  /** Takes what was printed, or something to say beside it, such as the answer to a request. */
  say(stream: Stream, bytes: Uint8Array): void {
    if (this.#options.known.isEmpty) this.#gatherer.push(stream, bytes);
    else this.#redactors[stream].push(bytes);
  }

  /**
   * Waits until the pipes are closed and everything is stored, but no longer
   * than the grace for somebody who holds a pipe open (OT6).
   * @returns true when somebody did
   */
  async drain(): Promise<boolean> {
    const { clock } = this.#options;
    const closed = Promise.all(this.#pipes.map((pipe) => pipe.closed));
    let open: boolean;
    do {
      // While the disk takes nothing the pipes are not read, so their silence says nothing.
      open = !(await within(clock, LEAK_GRACE_MS, closed));
    } while (open && this.#gatherer.blocked);
    this.#stopReading();
    this.#gatherer.end();
    while (this.#gatherer.blocked) {
      await sleep(clock, SPOOL_RETRY_MS);
      this.#gatherer.end();
    }
    await this.#options.spool.hashAll();
    return open;
  }

  /** The step is being stopped: a full disk holds up nothing from now on, and the report says what was cut. */
  stopping(): void {
    this.#stopping = true;
    if (!this.#gatherer.blocked) return;
    this.#options.log.error("gave up storing the rest of the output; it is reported as cut");
    this.#gatherer.abandon();
    for (const pipe of this.#pipes) pipe.resume();
  }

  /** Stores what has been read, if the disk takes it, and reads nothing more. */
  giveUp(): void {
    this.#stopReading();
    this.#gatherer.end();
    this.#gatherer.abandon();
  }

  #stopReading(): void {
    for (const pipe of this.#pipes) pipe.stop();
    for (const stream of STREAMS) this.#redactors[stream].end();
  }

  /** Spool first, then the wire. */
  #store(stream: Stream, payload: Uint8Array): boolean {
    const { spool, clock, log, spooled } = this.#options;
    let chunk: SpooledChunk;
    try {
      chunk = spool.append(stream, payload, clock.now());
    } catch (error) {
      log.error("cannot store output; holding the step's pipes until the disk takes it", {
        reason: wordsOf(error),
      });
      for (const pipe of this.#pipes) pipe.pause();
      clock.after(SPOOL_RETRY_MS, () => this.#retry());
      return false;
    }
    spooled(chunk);
    return true;
  }

  #retry(): void {
    if (this.#stopping) this.stopping();
    else if (this.#gatherer.retry()) for (const pipe of this.#pipes) pipe.resume();
  }
}
