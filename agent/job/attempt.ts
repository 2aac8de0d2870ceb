/** One attempt of one step, as a lease holds it: what is known of it, and its end once there is one. */
import { STREAMS } from "#protocol/chunk.ts";
import type { AttemptOutcome, StepUsage, StepValues } from "#protocol/data.ts";
import { wordsOf } from "../log.ts";
import type { Host } from "./host.ts";
import type { AttemptResult } from "./records.ts";
import type { PerStream, Spool, SpooledChunk } from "./spool.ts";

/** Whoever reports attempts to the coordinator. Called as things happen, in order. */
export interface AttemptListener {
  started(attempt: Attempt): void;
  spooled(attempt: Attempt, chunk: SpooledChunk): void;
  finished(attempt: Attempt): void;
}

export type StopReason = Extract<AttemptOutcome, { type: "stopped" }>["reason"];

/** What carries an attempt out. */
export interface AttemptRun {
  /** Runs it to its end, whatever that is; never throws. */
  run(): Promise<AttemptEnd>;
  /** Asks it to end; the first reason counts. */
  stop(reason: StopReason, graceMs: number): void;
  /** Ends it and waits for nothing. */
  killNow(): void;
}

export interface AttemptFacts {
  leaseKey: string;
  step: string;
  number: number;
  fence: number;
  spool: Spool;
}

/** What a run, a refusal or a recovery found out; the spool knows the rest. */
export interface AttemptEnd {
  outcome: AttemptOutcome;
  durationMs: number;
  leakedOutput: boolean;
  cutBytes: PerStream<number>;
  usage?: StepUsage;
  values?: StepValues;
}

/** An end without a process behind it. */
export function endWithoutRun(outcome: AttemptOutcome): AttemptEnd {
  return { outcome, durationMs: 0, leakedOutput: false, cutBytes: { stdout: 0, stderr: 0 } };
}

export class Attempt {
  readonly leaseKey: string;
  readonly step: string;
  readonly number: number;
  readonly fence: number;
  readonly spool: Spool;
  /** Wall clock ms and process id, once spawned. */
  started: { pid: number; time: number } | undefined;
  result: AttemptResult | undefined;
  run: AttemptRun | undefined;

  constructor(facts: AttemptFacts) {
    this.leaseKey = facts.leaseKey;
    this.step = facts.step;
    this.number = facts.number;
    this.fence = facts.fence;
    this.spool = facts.spool;
  }

  /**
   * After a loss of power the spool may hold less than the result says. Where
   * the coordinator does not hold it either, what is missing is gone: it is told
   * as cut, so that nobody waits for it.
   * @param held bytes of each stream that the coordinator has
   */
  restate(held: PerStream<number>): void {
    if (!this.result) return;
    const streams = { ...this.result.streams };
    for (const stream of STREAMS) {
      const { bytes, cutBytes } = streams[stream];
      const spooled = this.spool.bytes[stream];
      const lost = bytes - Math.max(spooled, held[stream]);
      if (lost <= 0) continue;
      streams[stream] = { bytes: spooled, sha256: this.spool.sha256(stream), cutBytes: cutBytes + lost };
    }
    this.result = { ...this.result, streams };
  }

  /** Rule ST1: resolves when a loss of power would not hide that it was started. */
  noteStarted(
    marker: string,
    { journal, clock, bootId }: Pick<Host, "journal" | "clock" | "bootId">,
  ): Promise<void> {
    const { leaseKey: lease, step, number: attempt, fence } = this;
    const time = clock.now();
    return journal.appendDurably({ type: "started", lease, step, attempt, fence, marker, bootId, time });
  }

  /** Fixes the result and notes it in the journal. The first end counts. */
  finish(end: AttemptEnd, host: Pick<Host, "journal" | "clock" | "log" | "known">): void {
    if (this.result) return;
    const summary = (stream: "stdout" | "stderr") => ({
      bytes: this.spool.bytes[stream],
      sha256: this.spool.sha256(stream),
      cutBytes: end.cutBytes[stream],
    });
    this.result = {
      outcome: host.known.outcome(end.outcome),
      time: host.clock.now(),
      durationMs: end.durationMs,
      streams: { stdout: summary("stdout"), stderr: summary("stderr") },
      leakedOutput: end.leakedOutput,
      ...(end.usage && { usage: end.usage }),
      ...(end.values && { values: host.known.values(end.values) }),
    };
    this.run = undefined;
    const { leaseKey: lease, step, number: attempt, fence, result } = this;
    try {
      host.journal.append({ type: "finished", lease, step, attempt, fence, result });
    } catch (error) {
      // It is still reported; should the agent die before that, the attempt becomes `unknown`.
      host.log.error("cannot note a result in the journal", { step, attempt, reason: wordsOf(error) });
    }
  }
}
