/**
 * Runs one attempt: `started` on disk, then the process, its output into the
 * spool, and an end that is only reported when the output is stored and the
 * processes are gone (rules ST1, ST3, CX1).
 */
import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import type { CommandBlock } from "#protocol/blocks/index.ts";
import type { AttemptOutcome, StepValues } from "#protocol/data.ts";
import { CANCEL_GRACE_MS, OUTPUT_DEFAULT_BYTES, STEP_TIMEOUT_DEFAULT_MS } from "#protocol/limits.ts";
import type { Plan } from "#protocol/plan.ts";
import { secretsOf } from "#protocol/secrets.ts";
import { type Log, wordsOf } from "../log.ts";
import { limitsOf } from "../policy/limits.ts";
import {
  discardCommand,
  type PreparedCommand,
  prepareCommand,
  type RunningCommand,
  startCommand,
} from "../runners/command.ts";
import { stepEnvironment } from "../runners/environment.ts";
import type { Exit } from "../runners/exit.ts";
import { readValues } from "../runners/outputFile.ts";
import { RunnerRefusal } from "../runners/refusal.ts";
import type { PlacedFiles } from "../secrets/files.ts";
import {
  type Attempt,
  type AttemptEnd,
  type AttemptListener,
  type AttemptRun,
  endWithoutRun,
  type StopReason,
} from "./attempt.ts";
import { OutputCapture } from "./capture.ts";
import type { Cgroup } from "./cgroup.ts";
import type { Host } from "./host.ts";
import { climb } from "./ladder.ts";
import { commandSecrets, type GivenSecrets } from "./secrets.ts";
import { ProcessTree } from "./tree.ts";
import { Meter } from "./usage.ts";
import type { Texts } from "./values.ts";
import { watchTree } from "./watch.ts";

/** How long what a script left behind in its group may take to end. */
const LEFTOVER_GRACE_MS = 1_000;

/** So many problems with handed-on values are told; more say nothing new. */
const PROBLEMS_MAX = 10;

export interface CommandParts {
  attempt: Attempt;
  block: CommandBlock;
  texts: Texts;
  plan: Plan;
  executionId: string;
  host: Host;
  listener: AttemptListener;
  log: Log;
}

export class CommandRun implements AttemptRun {
  readonly #parts: CommandParts;
  readonly #attempt: Attempt;
  readonly #host: Host;
  readonly #listener: AttemptListener;
  readonly #log: Log;
  readonly #marker = randomBytes(16).toString("hex");
  readonly #output: OutputCapture;
  #tree: ProcessTree | undefined;
  #pid: number | undefined;
  #exited = false;
  #cancelTimeout: () => void = () => {};
  /** Ends the waiting for secrets. */
  readonly #giveUp = new AbortController();
  #files: PlacedFiles | undefined;
  #unwatch: () => void = () => {};
  #meter: Meter | undefined;
  #cgroup: Cgroup | undefined;
  #stop: { reason: StopReason; graceMs: number; detail?: string; confirmed?: Promise<boolean> } | undefined;
  /** Resolves when even a kill has not ended everything: the exit may then never come (CX2). */
  readonly #unconfirmed = Promise.withResolvers<undefined>();

  constructor(parts: CommandParts) {
    const { attempt, block, host, listener, log } = parts;
    this.#parts = parts;
    this.#attempt = attempt;
    this.#host = host;
    this.#listener = listener;
    this.#log = log;
    this.#output = new OutputCapture({
      ...{ spool: attempt.spool, clock: host.clock, log },
      limitBytes: block.outputLimitBytes ?? OUTPUT_DEFAULT_BYTES,
      known: host.known,
      spooled: (chunk) => listener.spooled(attempt, chunk),
    });
  }

  /** Runs it to its end, whatever that is; never throws. */
  async run(): Promise<AttemptEnd> {
    const { block } = this.#parts;
    const unused = this.#host.secrets.use(secretsOf(block));
    let prepared: PreparedCommand | undefined;
    try {
      const secrets = await commandSecrets(block, this.#host, this.#giveUp.signal);
      if (!this.#stop) prepared = await this.#prepare();
      if (this.#stop || !prepared) return this.#stopped(prepared);
      return await this.#start(prepared, secrets);
    } catch (error) {
      return this.#stop ? this.#stopped(prepared) : this.#refused(error);
    } finally {
      unused();
      this.#files?.remove();
    }
  }

  async #start(prepared: PreparedCommand, secrets: GivenSecrets): Promise<AttemptEnd> {
    const begun = this.#host.clock.monotonic();
    try {
      const environment = this.#environment(prepared, secrets);
      const command = await startCommand(prepared, environment, this.#host.table);
      return await this.#follow(command, begun, prepared.place.output);
    } catch (error) {
      return error instanceof RunnerRefusal ? this.#refused(error) : this.#lost(error, begun);
    }
  }

  /** It was told to stop before anything was spawned. */
  #stopped(prepared: PreparedCommand | undefined): AttemptEnd {
    if (prepared) discardCommand(prepared);
    const reason = this.#stop?.reason ?? "canceled";
    return endWithoutRun({ type: "stopped", reason, confirmed: true });
  }

  /** Climbs the cancel ladder (CX1). The first reason counts. */
  stop(reason: StopReason, graceMs: number, detail?: string): void {
    this.#output.stopping();
    if (this.#stop || this.#exited) return;
    this.#log.info("stopping the step", { reason, graceMs });
    this.#stop = { reason, graceMs, ...(detail !== undefined && { detail }) };
    this.#giveUp.abort();
    this.#climbIfStopped();
  }

  /** Kills its group and waits for nothing. */
  killNow(): void {
    if (this.#pid === undefined || this.#exited) return;
    this.#cgroup?.kill();
    this.#host.table.signal(-this.#pid, "SIGKILL");
  }

  /** Rule ST1: the fact is flushed to disk while everything else is made ready. */
  async #prepare(): Promise<PreparedCommand> {
    const { step } = this.#attempt;
    const { block, texts, executionId } = this.#parts;
    const { folders } = this.#host;
    const work = {
      ...{ block, texts, step },
      ...{ folder: folders.pathOf(executionId), around: folders.around },
    };
    const [prepared, noted] = await Promise.allSettled([
      prepareCommand(work, this.#host),
      this.#attempt.noteStarted(this.#marker, this.#host),
    ]);
    if (prepared.status === "rejected") throw prepared.reason;
    if (noted.status === "rejected") {
      discardCommand(prepared.value);
      throw new RunnerRefusal("prepare_failed", `cannot write the journal: ${wordsOf(noted.reason)}`);
    }
    return prepared.value;
  }

  /** @throws RunnerRefusal when the files of its secrets cannot be written; nothing is spawned then */
  #environment(prepared: PreparedCommand, secrets: GivenSecrets): Record<string, string> {
    const { step, number: attempt } = this.#attempt;
    const { plan, executionId, texts } = this.#parts;
    const { place } = prepared;
    try {
      if (secrets.files.size > 0) this.#files = this.#host.secretFiles.put(secrets.files, place.account);
    } catch (error) {
      discardCommand(prepared);
      throw new RunnerRefusal("secret_failed", `cannot write the file of a secret: ${wordsOf(error)}`);
    }
    return stepEnvironment(
      {
        ...{ plan, executionId, step, attempt, texts, marker: this.#marker },
        secrets: { ...secrets.environment, ...this.#files?.paths },
      },
      place,
    );
  }

  async #follow(command: RunningCommand, begun: number, outputFile: string): Promise<AttemptEnd> {
    const { clock, table, journal } = this.#host;
    const limits = limitsOf(this.#host.policy);
    const { leaseKey: lease, step, number: attempt } = this.#attempt;
    const { cgroup } = command;
    const time = clock.now();
    this.#pid = command.process.pid;
    this.#cgroup = cgroup;
    this.#tree = new ProcessTree({
      ...{ root: command.process, marker: this.#marker, table, watched: true, cgroup },
      pipes: [command.stdout.name, command.stderr.name],
    });
    const over = (why: string) => this.stop("over_limit", 0, why);
    this.#meter = new Meter({ limits, cgroup, table, over });
    this.#unwatch = watchTree(this.#tree, this.#meter, clock);
    this.#attempt.started = { pid: command.process.pid, time };
    this.#listener.started(this.#attempt);
    this.#output.read(command);
    this.#note(() =>
      journal.append({
        ...{ type: "spawned", lease, step, attempt, time, process: command.process },
        ...(cgroup && { cgroup: basename(cgroup.path) }),
      }),
    );
    this.#log.info("started a step", { pid: command.process.pid });
    this.#host.launchers?.refill();
    const timeoutMs = this.#parts.block.timeoutMs ?? STEP_TIMEOUT_DEFAULT_MS;
    this.#cancelTimeout = clock.after(timeoutMs, () => this.stop("timed_out", CANCEL_GRACE_MS));
    this.#climbIfStopped();

    const exit = await Promise.race([command.exited, this.#unconfirmed.promise]);
    const durationMs = Math.max(0, clock.monotonic() - begun);
    // A script that cannot fork often ends by itself, before the next look, and leaves what it threw.
    const refused = this.#meter.refused;
    if (refused !== undefined) over(refused);
    this.#exited = true;
    const confirmed = await this.#stop?.confirmed;
    const values = this.#values(outputFile);
    const leakedOutput = await this.#output.drain();
    await climb(this.#tree, { clock, graceMs: LEFTOVER_GRACE_MS, scope: "group" });
    this.#letGo();
    const outcome = this.#outcomeOf(exit, confirmed ?? false);
    const usage = this.#meter.total;
    this.#leaveCgroup();
    return {
      outcome,
      durationMs,
      leakedOutput,
      cutBytes: this.#output.cutBytes,
      usage,
      ...(values && { values }),
    };
  }

  /** What it hands on. What had to be left out is told where its author looks: in its output. */
  #values(outputFile: string): StepValues | undefined {
    const { values, problems } = readValues(outputFile, this.#parts.block.outputs);
    for (const problem of problems.slice(0, PROBLEMS_MAX)) {
      this.#output.say("stderr", Buffer.from(`farhand: ${problem}\n`));
    }
    return Object.keys(values).length > 0 ? values : undefined;
  }

  /** Nothing was spawned. */
  #refused(error: unknown): AttemptEnd {
    const code = error instanceof RunnerRefusal ? error.code : "agent_error";
    const detail = wordsOf(error).slice(0, 2_000);
    this.#log.error("nothing was started", { code, reason: detail });
    return endWithoutRun({ type: "refused", code, detail });
  }

  /** Something was spawned, and then the agent failed to look after it: what it did cannot be known (ST2). */
  async #lost(error: unknown, begun: number): Promise<AttemptEnd> {
    const { clock, table } = this.#host;
    const reason = wordsOf(error).slice(0, 1_000);
    this.#log.error("lost track of a step that was started; ending its processes", { reason });
    this.#letGo();
    this.killNow();
    const tree =
      this.#tree ??
      new ProcessTree({ root: undefined, marker: this.#marker, pipes: [], table, watched: false });
    const gone = await climb(tree, { clock, graceMs: 0, scope: "tree" }).catch(() => false);
    this.#exited = true;
    this.#leaveCgroup();
    this.#output.giveUp();
    const end = gone ? "its processes were ended" : "some of its processes may still run";
    return {
      outcome: { type: "unknown", detail: `the agent failed while this step ran (${reason}); ${end}` },
      durationMs: Math.max(0, clock.monotonic() - begun),
      leakedOutput: false,
      cutBytes: this.#output.cutBytes,
    };
  }

  #outcomeOf(exit: Exit | undefined, confirmed: boolean): AttemptOutcome {
    const killed = this.#meter?.endedByKernel;
    if (killed !== undefined && !this.#stop) {
      return { type: "stopped", reason: "over_limit", confirmed: true, detail: killed };
    }
    if (this.#stop) {
      const { reason, detail } = this.#stop;
      return { type: "stopped", reason, confirmed, ...(detail !== undefined && { detail }) };
    }
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

  /** Nobody waits for it: what a step leaves running on purpose has to be moved first. */
  #leaveCgroup(): void {
    if (this.#cgroup) void this.#host.cgroups?.close(this.#cgroup);
  }

  #letGo(): void {
    this.#cancelTimeout();
    this.#unwatch();
  }

  #note(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#log.error("cannot write the journal", { reason: wordsOf(error) });
    }
  }
}
