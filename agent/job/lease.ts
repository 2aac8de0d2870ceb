/**
 * One lease as the agent holds it: its plan, its attempts, and its end. A
 * command may come again at any time; it is then answered from what is known
 * and never carried out twice (rule CM2).
 */
import { join } from "node:path";
import type { AttemptOutcome, StepCancel, StepStart } from "#protocol/data.ts";
import { CANCEL_GRACE_MS, LEASE_DISCONNECT_MS } from "#protocol/limits.ts";
import type { Plan } from "#protocol/plan.ts";
import type { Lease } from "#protocol/socket.ts";
import { within } from "../clock.ts";
import { freeBytes } from "../files.ts";
import { type Log, wordsOf } from "../log.ts";
import { attemptFileName } from "../paths.ts";
import { limitsOf } from "../policy/limits.ts";
import { hasSucceeded, succeededProblem } from "../signatures/success.ts";
import { admitStep } from "./admission.ts";
import {
  Attempt,
  type AttemptEnd,
  type AttemptListener,
  type AttemptRun,
  endWithoutRun,
  type StopReason,
} from "./attempt.ts";
import type { Host } from "./host.ts";
import { othersTurn } from "./processes.ts";
import { attemptKey, leaseKey } from "./records.ts";
import { RequestRun } from "./request.ts";
import { CommandRun } from "./run.ts";
import type { RunningAttempt } from "./running.ts";
import { Spool } from "./spool.ts";
import { LeaseTraces } from "./traces.ts";
import { agentBlockAt } from "./values.ts";

/** How long what still runs under a lease that is over gets to end. */
const OVER_GRACE_MS = 2_000;
/** How long a lease that was taken back waits for its results to be recorded. */
const REVOKED_REPORT_MS = 10_000;

type StepName = Pick<StepStart, "step" | "attempt">;

export class HeldLease {
  readonly key: string;
  readonly lease: Lease;
  readonly #host: Host;
  readonly #plan: Plan | undefined;
  readonly #log: Log;
  readonly #traces: LeaseTraces;
  /** Attempts whose result is not recorded yet. */
  readonly #attempts = new Map<string, Attempt>();
  /** Attempts that the coordinator has recorded: nothing is left of them but that they were. */
  readonly #recorded = new Set<string>();
  readonly #running = new Map<Attempt, Promise<void>>();
  #listener: AttemptListener | undefined;
  #cancelDisconnect: () => void = () => {};
  /** Its coordinator has answered once. */
  #wasConnected = false;
  #revoked = false;
  #ending: Promise<void> | undefined;
  /** Whether another lease of this execution may come; that none will is only said by its coordinator. */
  #keepFolder = true;
  /** A step under it did not do what it should have, as far as this run of the agent knows. */
  #failed = false;
  #folderSettled: Promise<void> = Promise.resolve();
  /** Resolves when nothing is left to report of a lease that takes nothing new. */
  readonly #settled = Promise.withResolvers<void>();
  /** A newer lease of this execution exists: report, and start nothing (LS2). */
  stale = false;
  /** Taken up again after a restart: its coordinator may hold more than is known here. */
  restored = false;

  constructor(lease: Lease, plan: Plan | undefined, host: Host) {
    this.key = leaseKey(lease);
    this.lease = lease;
    this.#plan = plan;
    this.#host = host;
    this.#traces = new LeaseTraces(lease, host.paths);
    this.#log = host.log.with({ executionId: lease.executionId, leaseId: lease.id });
  }

  /** `reporting`: it takes no new steps any more. */
  get state(): "active" | "reporting" {
    return this.#plan && !this.stale && !this.#revoked && !this.#ending ? "active" : "reporting";
  }

  /** What has not been recorded yet, in the order in which it was started. */
  get attempts(): Iterable<Attempt> {
    return this.#attempts.values();
  }

  get busy(): boolean {
    return this.#running.size > 0;
  }

  /** Nothing runs, and all that did has been recorded. */
  get reported(): boolean {
    return !this.busy && this.#attempts.size === 0;
  }

  listen(listener: AttemptListener): void {
    this.#listener = listener;
  }

  /**
   * Takes the lease on: its plan kept for after a restart, and then noted in the journal. A plan whose
   * lease is not in there is cleared away by the next start; a lease without its plan could do nothing.
   * @throws the system's error when the journal cannot be written
   */
  accept(): void {
    if (this.#plan) this.#keepPlan(this.#plan);
    this.#host.journal.append({ type: "lease", lease: this.lease });
    this.#host.folders.open(this.lease.executionId, this.key);
    this.disconnected(this.#host.clock.monotonic());
  }

  #keepPlan(plan: Plan): void {
    try {
      this.#traces.keepPlan(plan);
    } catch (error) {
      const reason = wordsOf(error);
      this.#log.warn("cannot keep the plan; after a restart this lease takes no new steps", { reason });
    }
  }

  /** Takes up again what the journal and the disk still know after a restart. */
  restore(attempts: Iterable<Attempt>, recorded: Iterable<string>): void {
    this.restored = true;
    this.#host.folders.open(this.lease.executionId, this.key);
    for (const attempt of attempts) {
      this.#attempts.set(attemptKey(attempt.step, attempt.number), attempt);
      this.#host.spoolBudget.hold(attempt, attempt.spool.size);
    }
    for (const key of recorded) this.#recorded.add(key);
  }

  find({ step, attempt }: StepName): Attempt | undefined {
    return this.#attempts.get(attemptKey(step, attempt));
  }

  /** Starts a step, once: what is known already is left as it is. */
  start(command: StepStart): void {
    if (this.#ending || this.#knows(command)) return;
    const { clock, log, running, guard } = this.#host;
    const admission = admitStep({
      ...{ plan: this.#plan, step: command.step, attempt: command.attempt, fence: command.fence },
      ...{ executionId: this.lease.executionId, approvals: command.approvals ?? [], guard },
      memory: this.#plan && this.#host.journal.state.plans.get(this.#plan.nonce),
      stale: this.stale || this.#revoked,
      inputs: command.inputs,
      leaseFence: this.lease.fence,
      now: clock.now(),
      freeBytes: freeBytes(this.#host.paths.spool),
      ...{ policy: this.#host.policy, host: this.#host.facts },
      spoolRoom: this.#host.spoolBudget.roomOf(limitsOf(this.#host.policy).spoolBytes),
    });
    const attempt = this.#add(command);
    const others = running.of(this.lease.executionId, command.step);
    const newer = others.find((other) => isNewer(other.attempt, attempt));
    if (newer) {
      const detail = `attempt ${newer.attempt.number} of this step runs under fence ${newer.attempt.fence}`;
      this.#finish(attempt, endWithoutRun({ type: "refused", code: "stale_fence", detail }));
      return;
    }
    if (!admission.ok || !this.#plan) {
      const { code, detail } = admission.ok ? { code: "no_plan", detail: "the plan is missing" } : admission;
      log.warn("refused a step", { executionId: this.lease.executionId, step: command.step, code, detail });
      this.#finish(attempt, endWithoutRun({ type: "refused", code, detail }));
      return;
    }
    if (guard.remembers && !this.#remember(this.#plan, attempt)) return;
    const stepLog = this.#log.with({ step: command.step, attempt: command.attempt });
    const { block, texts, outputLimit } = admission;
    this.#host.spoolBudget.hold(attempt, outputLimit);
    const parts = { attempt, host: this.#host, listener: this.#needListener(), log: stepLog };
    const run =
      block.kind === "command"
        ? new CommandRun({ ...parts, block, texts, plan: this.#plan, executionId: this.lease.executionId })
        : new RequestRun({ ...parts, block, inputs: command.inputs ?? {} });
    attempt.run = run;
    const done = this.#runAlone(run, attempt, others).then((end) => {
      this.#running.delete(attempt);
      if (guard.remembers && hasSucceeded(block, end)) this.#noteSuccess(attempt);
      this.#finish(attempt, end);
      stepLog.info("step ended", { outcome: end.outcome.type, durationMs: Math.round(end.durationMs) });
    });
    this.#running.set(attempt, done);
    running.add(this.lease.executionId, { attempt, done });
  }

  /** Notes that this attempt of a plan begins here, so that no other lease repeats it. False when it cannot. */
  #remember({ nonce: plan, expiresAt: until }: Plan, attempt: Attempt): boolean {
    const { journal, steadyNow } = this.#host;
    const { step, number } = attempt;
    const { executionId: execution } = this.lease;
    try {
      journal.append({ type: "begun", plan, execution, step, attempt: number, until, time: steadyNow() });
      return true;
    } catch (error) {
      const detail = `cannot write the journal: ${wordsOf(error)}`;
      this.#finish(attempt, endWithoutRun({ type: "refused", code: "prepare_failed", detail }));
      return false;
    }
  }

  /** Ends earlier attempts of the step before it begins: attempts never overlap (G2). */
  async #runAlone(
    run: AttemptRun,
    { step }: Attempt,
    others: readonly RunningAttempt[],
  ): Promise<AttemptEnd> {
    for (const { attempt } of others) attempt.run?.stop("canceled", OVER_GRACE_MS);
    if (others.length > 0) {
      await Promise.all(others.map(({ done }) => done));
      const memory = this.#plan && this.#host.journal.state.plans.get(this.#plan.nonce);
      const problem = succeededProblem(memory, step);
      if (problem) return endWithoutRun({ type: "refused", code: problem.code, detail: problem.detail });
    }
    // The socket of a new lease goes first: output will wait for it. In one turn it connects, in the next it asks.
    for (let turns = 0; turns < 2 && !this.#wasConnected; turns++) await othersTurn();
    return run.run();
  }

  #noteSuccess({ step }: Attempt): void {
    if (this.#plan) this.#note({ type: "succeeded", plan: this.#plan.nonce, step });
  }

  /** Stops a step; one that has not started yet never will. */
  cancel(command: StepCancel): void {
    if (this.#ending) return;
    if (!this.#knows(command)) {
      const attempt = this.#add({ ...command, fence: this.lease.fence });
      this.#finish(attempt, endWithoutRun({ type: "stopped", reason: command.reason, confirmed: true }));
      return;
    }
    this.find(command)?.run?.stop(command.reason, command.graceMs);
  }

  /** The coordinator has the result: forgets everything but that it ran. */
  forget(name: StepName): void {
    const key = attemptKey(name.step, name.attempt);
    const attempt = this.#attempts.get(key);
    if (!attempt?.result) return;
    this.#attempts.delete(key);
    this.#recorded.add(key);
    this.#drop(attempt);
    this.#note({ type: "recorded", lease: this.key, step: name.step, attempt: name.attempt });
    if (this.#revoked && this.#attempts.size === 0) this.#settled.resolve();
  }

  /** The data socket has its coordinator again. */
  connected(): void {
    this.#wasConnected = true;
    this.#cancelDisconnect();
  }

  /**
   * Without a coordinator since this monotonic time: when it stays so, steps
   * with `onDisconnect: stop` are stopped (LS3).
   */
  disconnected(since: number): void {
    const { clock } = this.#host;
    this.#cancelDisconnect();
    const left = since + LEASE_DISCONNECT_MS - clock.monotonic();
    this.#cancelDisconnect = clock.after(left, () => {
      for (const attempt of this.#running.keys()) {
        const block = agentBlockAt(this.#plan, attempt.step);
        if (block?.onDisconnect === "stop") attempt.run?.stop("disconnected", CANCEL_GRACE_MS);
      }
    });
  }

  /** Stops whatever runs; resolves when all of it has a result. */
  async stopAll(reason: StopReason, graceMs: number): Promise<void> {
    for (const attempt of this.#running.keys()) attempt.run?.stop(reason, graceMs);
    await Promise.all(this.#running.values());
  }

  killNow(): void {
    for (const attempt of this.#running.keys()) attempt.run?.killNow();
  }

  /**
   * The lease is taken back: nothing is started any more and what runs is ended.
   * Resolves when the coordinator has recorded the results, or did not in time.
   */
  async revoke(): Promise<void> {
    this.#revoked = true;
    await this.stopAll("canceled", OVER_GRACE_MS);
    if (this.#attempts.size > 0) await within(this.#host.clock, REVOKED_REPORT_MS, this.#settled.promise);
  }

  /**
   * The lease is over: ends what runs under it and removes every trace but the journal's.
   * @param keepFolder false when nothing will come after it, true when it may
   */
  end(why: string, keepFolder: boolean): Promise<void> {
    this.#keepFolder &&= keepFolder;
    this.#ending ??= this.#end(why);
    return this.#ending;
  }

  async #end(why: string): Promise<void> {
    this.#cancelDisconnect();
    this.#settled.resolve();
    if (this.busy) this.#log.warn("ending a lease under which a step still runs", { why });
    await this.stopAll("canceled", OVER_GRACE_MS);
    for (const attempt of this.#attempts.values()) this.#drop(attempt);
    const until = this.#keepFolder ? (this.#plan?.expiresAt ?? Number.POSITIVE_INFINITY) : undefined;
    this.#folderSettled = this.#host.folders.close(this.lease.executionId, this.key, until, this.#failed);
    this.#note({ type: "ended", lease: this.key });
    this.#log.info("lease ended", { why });
  }

  /** Removes the plan, after the slot is free again. A failure is for the next start to clean. */
  async cleanUp(): Promise<void> {
    await this.#folderSettled;
    await this.#traces
      .remove()
      .catch((error) => this.#log.warn("cannot remove a plan that is over", { reason: wordsOf(error) }));
  }

  /** Closes files and leaves everything on disk for the next start. */
  suspend(): void {
    this.#cancelDisconnect();
    for (const attempt of this.#attempts.values()) attempt.spool.close();
  }

  #knows({ step, attempt }: StepName): boolean {
    const key = attemptKey(step, attempt);
    return this.#attempts.has(key) || this.#recorded.has(key);
  }

  #add({ step, attempt: number, fence }: StepName & { fence: number }): Attempt {
    const path = join(this.#host.paths.spool, attemptFileName(this.key, step, number));
    const spool = new Spool(path, step, number);
    const attempt = new Attempt({ leaseKey: this.key, step, number, fence, spool });
    this.#attempts.set(attemptKey(step, number), attempt);
    return attempt;
  }

  #finish(attempt: Attempt, end: Parameters<Attempt["finish"]>[0]): void {
    attempt.finish(end, this.#host);
    this.#host.spoolBudget.hold(attempt, attempt.spool.size);
    this.#failed ||= hasFailed(end.outcome);
    this.#listener?.finished(attempt);
  }

  #drop(attempt: Attempt): void {
    attempt.spool.remove();
    this.#host.spoolBudget.release(attempt);
  }

  #needListener(): AttemptListener {
    if (!this.#listener) throw new Error("a lease has a data session before it starts steps");
    return this.#listener;
  }

  #note(record: Parameters<Host["journal"]["append"]>[0]): void {
    try {
      this.#host.journal.append(record);
    } catch (error) {
      this.#log.error("cannot write the journal", { reason: wordsOf(error) });
    }
  }
}

/** Which exit codes count as success is the coordinator's to say: here a folder is kept once too often. */
function hasFailed(outcome: AttemptOutcome): boolean {
  if (outcome.type === "exited") return outcome.exitCode !== 0;
  return outcome.type !== "answered" || !outcome.expected;
}

function isNewer(one: Attempt, other: Attempt): boolean {
  return one.fence === other.fence ? one.number > other.number : one.fence > other.fence;
}
