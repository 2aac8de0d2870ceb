/**
 * Runs one attempt: `started` on disk, then the process, its output into the
 * spool, and an end that is only reported when the output is stored and the
 * processes are gone (rules ST1, ST3, OT5, OT6, CX1).
 *
 * Redaction belongs between `#read` and the gatherer; local policy and secrets
 * belong before `prepareCommand`.
 */
import { randomBytes } from "node:crypto";
import type { Stream } from "#protocol/chunk.ts";
import type { AttemptOutcome } from "#protocol/data.ts";
import { CANCEL_GRACE_MS, OUTPUT_DEFAULT_BYTES, STEP_TIMEOUT_DEFAULT_MS } from "#protocol/limits.ts";
import type { Plan } from "#protocol/plan.ts";
import type { CommandBlock } from "#protocol/runbook/document.ts";
import { sleep, within } from "../clock.ts";
import { type Log, wordsOf } from "../log.ts";
import { attemptFileName } from "../paths.ts";
import {
  discardCommand,
  type ExecutionFolders,
  type Exit,
  type PreparedCommand,
  prepareCommand,
  RunnerRefusal,
  type RunningCommand,
  startCommand,
} from "../runners/command.ts";
import { stepEnvironment } from "../runners/environment.ts";
import { type Attempt, type AttemptEnd, type AttemptListener, endWithoutRun } from "./attempt.ts";
import type { Host } from "./host.ts";
import { climb } from "./ladder.ts";
import { OutputGatherer } from "./output.ts";
import { type Pipe, type PipeReading, readPipe } from "./pipes.ts";
import type { SpooledChunk } from "./spool.ts";
import { ProcessTree } from "./tree.ts";

/** How long output may stay open after the script has ended (OT6). */
export const LEAK_GRACE_MS = 2_000;
/** How long what a script left behind in its group may take to end. */
const LEFTOVER_GRACE_MS = 1_000;
/** Pause before a full disk is tried again. */
const SPOOL_RETRY_MS = 1_000;

export interface Work {
  plan: Plan;
  block: CommandBlock;
  executionId: string;
  folders: ExecutionFolders;
}

export type StopReason = Extract<AttemptOutcome, { type: "stopped" }>["reason"];

export class StepRun {
  readonly #attempt: Attempt;
  readonly #work: Work;
  readonly #host: Host;
  readonly #listener: AttemptListener;
  readonly #log: Log;
  readonly #marker = randomBytes(16).toString("hex");
  readonly #output: OutputGatherer;
  #pipes: PipeReading[] = [];
  #tree: ProcessTree | undefined;
  #pid: number | undefined;
  #exited = false;
  #stop: { reason: StopReason; graceMs: number; confirmed?: Promise<boolean> } | undefined;
  /** Resolves when even a kill has not ended everything: the exit may then never come (CX2). */
  readonly #unconfirmed = Promise.withResolvers<undefined>();

  constructor(attempt: Attempt, work: Work, host: Host, listener: AttemptListener, log: Log) {
    this.#attempt = attempt;
    this.#work = work;
    this.#host = host;
    this.#listener = listener;
    this.#log = log;
    const limit = work.block.outputLimitBytes ?? OUTPUT_DEFAULT_BYTES;
    this.#output = new OutputGatherer(host.clock, limit, (stream, payload) => this.#store(stream, payload));
  }

  /** Runs it to its end, whatever that is; never throws. */
  async run(): Promise<AttemptEnd> {
    try {
      const prepared = await this.#prepare();
      if (this.#stop) {
        discardCommand(prepared);
        return endWithoutRun({ type: "stopped", reason: this.#stop.reason, confirmed: true });
      }
      const command = await startCommand(prepared, this.#environment(), this.#host.table);
      return await this.#follow(command);
    } catch (error) {
      const code = error instanceof RunnerRefusal ? error.code : "agent_error";
      const detail = wordsOf(error).slice(0, 2_000);
      this.#log.error("nothing was started", { code, reason: detail });
      return endWithoutRun({ type: "refused", code, detail });
    }
  }

  /** Climbs the cancel ladder (CX1). The first reason counts. */
  stop(reason: StopReason, graceMs: number): void {
    if (this.#output.blocked) this.#giveUpOutput();
    if (this.#stop || this.#exited) return;
    this.#log.info("stopping the step", { reason, graceMs });
    this.#stop = { reason, graceMs };
    this.#climbIfStopped();
  }

  /** Kills its group and waits for nothing. */
  killNow(): void {
    if (this.#pid === undefined || this.#exited) return;
    this.#host.table.signal(-this.#pid, "SIGKILL");
  }

  /** Rule ST1: the fact is flushed to disk while everything else is made ready. */
  async #prepare(): Promise<PreparedCommand> {
    const { leaseKey: lease, step, number: attempt, fence } = this.#attempt;
    const { journal, clock, bootId, pipes } = this.#host;
    const durable = journal.appendDurably({
      type: "started",
      ...{ lease, step, attempt, fence, marker: this.#marker, bootId },
      time: clock.now(),
    });
    const name = attemptFileName(lease, step, attempt);
    const [prepared, noted] = await Promise.allSettled([
      prepareCommand(this.#work.block, name, this.#work.folders, pipes),
      durable,
    ]);
    if (prepared.status === "rejected") throw prepared.reason;
    if (noted.status === "rejected") {
      discardCommand(prepared.value);
      throw new RunnerRefusal("prepare_failed", `cannot write the journal: ${wordsOf(noted.reason)}`);
    }
    return prepared.value;
  }

  #environment(): Record<string, string> {
    const { step, number: attempt } = this.#attempt;
    const { plan, executionId, folders } = this.#work;
    return stepEnvironment({
      ...{ plan, executionId, step, attempt },
      marker: this.#marker,
      temporary: folders.temporary,
    });
  }

  async #follow(command: RunningCommand): Promise<AttemptEnd> {
    const { clock, table, journal } = this.#host;
    const { leaseKey: lease, step, number: attempt } = this.#attempt;
    const begun = clock.monotonic();
    const time = clock.now();
    this.#pid = command.process.pid;
    this.#tree = new ProcessTree({ root: command.process, marker: this.#marker, table, watched: true });
    this.#attempt.started = { pid: command.process.pid, time };
    this.#listener.started(this.#attempt);
    const closed = Promise.all([this.#read("stdout", command.stdout), this.#read("stderr", command.stderr)]);
    this.#note(() =>
      journal.append({ type: "spawned", lease, step, attempt, time, process: command.process }),
    );
    this.#log.info("started a step", { pid: command.process.pid });
    const timeoutMs = this.#work.block.timeoutMs ?? STEP_TIMEOUT_DEFAULT_MS;
    const cancelTimeout = clock.after(timeoutMs, () => this.stop("timed_out", CANCEL_GRACE_MS));
    this.#climbIfStopped();

    const exit = await Promise.race([command.exited, this.#unconfirmed.promise]);
    const durationMs = Math.max(0, clock.monotonic() - begun);
    this.#exited = true;
    const confirmed = await this.#stop?.confirmed;
    const leakedOutput = await this.#drain(closed);
    await climb(this.#tree, { clock, graceMs: LEFTOVER_GRACE_MS, scope: "group" });
    cancelTimeout();
    const outcome = this.#outcomeOf(exit, confirmed ?? false);
    return { outcome, durationMs, leakedOutput, cutBytes: this.#output.cutBytes };
  }

  #outcomeOf(exit: Exit | undefined, confirmed: boolean): AttemptOutcome {
    if (this.#stop) return { type: "stopped", reason: this.#stop.reason, confirmed };
    if (!exit) throw new Error("a step that nobody stopped has an exit");
    if ("signal" in exit) return { type: "signaled", signal: exit.signal };
    return { type: "exited", exitCode: exit.exitCode };
  }

  #climbIfStopped(): void {
    const { clock } = this.#host;
    if (!this.#stop || this.#stop.confirmed || !this.#tree) return;
    const climbing = climb(this.#tree, { clock, graceMs: this.#stop.graceMs, scope: "tree" });
    this.#stop.confirmed = climbing.catch((error) => {
      this.#log.error("cannot look after the step's processes", { reason: wordsOf(error) });
      return false;
    });
    this.#stop.confirmed.then((confirmed) => {
      if (!confirmed) this.#unconfirmed.resolve(undefined);
    });
  }

  #read(stream: Stream, pipe: Pipe): Promise<void> {
    const reading = readPipe(pipe, (bytes) => this.#output.push(stream, bytes));
    this.#pipes.push(reading);
    return reading.closed;
  }

  /**
   * Waits until the pipes are closed and everything is stored, but no longer
   * than the grace for somebody who holds a pipe open (OT6).
   * @returns true when somebody did
   */
  async #drain(closed: Promise<unknown>): Promise<boolean> {
    const { clock } = this.#host;
    let open: boolean;
    do {
      // While the disk takes nothing the pipes are not read, so their silence says nothing.
      open = !(await within(clock, LEAK_GRACE_MS, closed));
    } while (open && this.#output.blocked);
    for (const pipe of this.#pipes) pipe.stop();
    this.#output.end();
    while (this.#output.blocked) {
      await sleep(clock, SPOOL_RETRY_MS);
      this.#output.end();
    }
    return open;
  }

  /** Spool first, then the wire. A disk that does not take it holds up the pipes, and so the process. */
  #store(stream: Stream, payload: Uint8Array): boolean {
    let chunk: SpooledChunk;
    try {
      chunk = this.#attempt.spool.append(stream, payload, this.#host.clock.now());
    } catch (error) {
      this.#log.error("cannot store output; holding the step's pipes until the disk takes it", {
        reason: wordsOf(error),
      });
      for (const pipe of this.#pipes) pipe.pause();
      this.#host.clock.after(SPOOL_RETRY_MS, () => this.#retryOutput());
      return false;
    }
    this.#listener.spooled(this.#attempt, chunk);
    return true;
  }

  #retryOutput(): void {
    if (this.#stop && this.#output.blocked) this.#giveUpOutput();
    else if (this.#output.retry()) for (const pipe of this.#pipes) pipe.resume();
  }

  /** The step is being stopped and the disk is full: nothing more is kept, and the report says so. */
  #giveUpOutput(): void {
    this.#log.error("gave up storing the rest of the output; it is reported as cut");
    this.#output.abandon();
    for (const pipe of this.#pipes) pipe.resume();
  }

  #note(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#log.error("cannot write the journal", { reason: wordsOf(error) });
    }
  }
}
