/**
 * The agent's part in its own replacement: it hears which version is wanted,
 * asks the policy, downloads and checks, lets what runs come to its end, and
 * then asks root to do the rest. When that works, this process is ended by it.
 */
import { randomUUID } from "node:crypto";
import { type AgentUpdate, isNewer } from "#protocol/update.ts";
import { type Clock, sleep } from "../clock.ts";
import { type Log, wordsOf } from "../log.ts";
import { decideUpdate, decisionWords, type UpdateDecision, type UpdateRules } from "./decide.ts";
import type { Download } from "./download.ts";
import { clearHandover, type Handover, hasSign, writeRequest, writeSign } from "./handover.ts";
import { type Installation, type Report, readReport, readTrial } from "./installation.ts";

/** After a try that came to nothing. */
const RETRY_MS = 15 * 60_000;
/** What runs has so long to end where no window says otherwise. */
export const DRAIN_MAX_MS = 60 * 60_000;
/** Root's part takes seconds. */
const ANSWER_MAX_MS = 5 * 60_000;
/** A wall clock may be moved while a timer waits. */
const LOOK_MAX_MS = 60 * 60_000;
const POLL_MS = 500;
/** A version that is on trial itself takes no other yet. */
const TRIAL_LOOK_MS = 10_000;
const REASON_MAX = 300;
/** A person who replaces the agent says so again and again; one that is gone holds nothing back for longer. */
const HOLD_MS = 10_000;

export interface UpdaterDeps {
  /** The version that runs. */
  version: string;
  /** Where it runs from, if it can be replaced there. */
  installation: Installation | undefined;
  handover: Handover;
  /** Of the policy in force. */
  rules: () => UpdateRules;
  /** Of releases, unless the policy names one. */
  key: string | undefined;
  download: (what: Omit<Download, "transport">) => Promise<void>;
  /** Takes no new leases, or takes them again. */
  holdBack: (isHolding: boolean) => void;
  /** Nothing is held that has to end first. */
  isIdle: () => boolean;
  /** What `describe` says has changed. */
  changed: () => void;
  clock: Clock;
  random: () => number;
  log: Log;
}

export class Updater {
  readonly #deps: UpdaterDeps;
  readonly #share: number;
  readonly #report: Report;
  #wanted: string | undefined;
  #heardAt = 0;
  #problem: AgentUpdate["problem"];
  /** After a try that came to nothing; monotonic, ms. */
  #notBefore = 0;
  #busy = false;
  #said = "";
  #stopTimer: () => void = () => {};
  #isDraining = false;
  #isHeld = false;
  #stopHold: () => void = () => {};

  constructor(deps: UpdaterDeps) {
    this.#deps = deps;
    this.#share = deps.random();
    this.#report = deps.installation ? readReport(deps.installation) : { failed: [] };
    const { last } = this.#report;
    const isOver = last?.outcome === "installed" || !isNewer(last?.version ?? "", deps.version);
    if (last && !isOver) this.#problem = problemOf(last.version, last.reason ?? "");
  }

  /** For `hello`. */
  describe(): AgentUpdate {
    const { mode, window, pin } = this.#deps.rules();
    return {
      mode,
      ...(window !== undefined && { window }),
      ...(pin !== undefined && { pin }),
      installs: this.#deps.installation !== undefined,
      ...(this.#problem && { problem: this.#problem }),
    };
  }

  /** The control plane has welcomed this version: if it is on trial, it has passed. */
  welcomed(): void {
    const { installation, handover, version, log } = this.#deps;
    const trial = installation && readTrial(installation);
    if (!trial || trial.version !== version || hasSign(handover, trial.id)) return;
    try {
      writeSign(handover, trial.id);
      log.info("this version has connected, and stays", { version });
    } catch (error) {
      log.error("cannot say that this version has connected: it will be taken back", {
        reason: wordsOf(error),
      });
    }
  }

  /** @param version that the control plane wants; undefined for whatever runs */
  want(version: string | undefined): void {
    if (version !== this.#wanted) this.#heardAt = this.#deps.clock.now();
    this.#wanted = version;
    this.look();
  }

  /** Decides anew: something that a decision rests on has changed. */
  look(): void {
    this.#stopTimer();
    if (this.#busy) return;
    const { clock, installation } = this.#deps;
    const decision = this.#decide();
    this.#say(decision);
    const isOnTrial = installation !== undefined && readTrial(installation) !== undefined;
    const pause = isOnTrial ? TRIAL_LOOK_MS : this.#notBefore - clock.monotonic();
    if (decision.type === "do" && pause <= 0) return void this.#install(decision.until);
    if (decision.type === "wait" || decision.type === "do") {
      const wait = Math.max(decision.type === "wait" ? decision.until - clock.now() : 0, pause);
      this.#stopTimer = clock.after(Math.min(wait, LOOK_MAX_MS), () => this.look());
    }
  }

  /** A person is about to replace this agent: nothing new is taken until a while after this was last called. */
  holdForPerson(): void {
    this.#stopHold();
    this.#isHeld = true;
    this.#holdBack();
    this.#stopHold = this.#deps.clock.after(HOLD_MS, () => {
      this.#isHeld = false;
      this.#holdBack();
    });
  }

  stop(): void {
    this.#busy = true;
    this.#stopTimer();
    this.#stopHold();
  }

  #holdBack(): void {
    this.#deps.holdBack(this.#isDraining || this.#isHeld);
  }

  #drain(isDraining: boolean): void {
    this.#isDraining = isDraining;
    this.#holdBack();
  }

  #decide(): UpdateDecision {
    const { rules, version, installation, clock } = this.#deps;
    return decideUpdate({
      ...{ rules: rules(), current: version, wanted: this.#wanted, heardAt: this.#heardAt },
      installs: installation !== undefined,
      failed: this.#report.failed.map((each) => each.version),
      ...{ share: this.#share, now: clock.now() },
    });
  }

  async #install(until: number): Promise<void> {
    const { log } = this.#deps;
    const version = this.#wanted ?? "";
    this.#busy = true;
    let problem: string | undefined;
    try {
      problem = await this.#try(version, until);
    } catch (error) {
      problem = wordsOf(error);
    }
    this.#busy = false;
    log.warn("this agent was not replaced", { version, reason: problem });
    this.#notBefore = this.#deps.clock.monotonic() + RETRY_MS;
    const before = JSON.stringify(this.#problem);
    this.#problem = problem === undefined ? undefined : problemOf(version, problem);
    if (JSON.stringify(this.#problem) !== before) this.#deps.changed();
    this.look();
  }

  /** @returns why it came to nothing; when it does not, this process ends meanwhile */
  async #try(version: string, until: number): Promise<string | undefined> {
    const { handover, rules, key: own, download, version: current, log } = this.#deps;
    const key = rules().key ?? own;
    if (key === undefined)
      return "this agent was built without a release key: name one in the policy as update.key; install.sh of the control plane shows it as RELEASE_KEY";
    clearHandover(handover);
    try {
      await download({ key, version, current, files: handover });
      log.info("a newer version is here; what runs comes to its end first", { version });
      this.#drain(true);
      return (await this.#drained(version, until)) ?? (await this.#asked(version));
    } finally {
      this.#drain(false);
      clearHandover(handover);
    }
  }

  /** Waits until nothing is held. @returns why not */
  async #drained(version: string, until: number): Promise<string | undefined> {
    const { clock, isIdle } = this.#deps;
    const deadline = clock.monotonic() + Math.min(DRAIN_MAX_MS, until - clock.now());
    while (!isIdle()) {
      await sleep(clock, POLL_MS);
      // Another policy, another wish, or the end of the window.
      if (this.#wanted !== version || this.#decide().type !== "do")
        return "it is not to be installed any more";
      if (clock.monotonic() > deadline) return "what runs here did not end in time";
    }
    return undefined;
  }

  /** Asks root, and waits. @returns why it came to nothing */
  async #asked(version: string): Promise<string | undefined> {
    const { clock, installation, handover } = this.#deps;
    const id = randomUUID();
    writeRequest(handover, { id, version });
    const deadline = clock.monotonic() + ANSWER_MAX_MS;
    while (clock.monotonic() < deadline) {
      await sleep(clock, POLL_MS);
      const last = installation && readReport(installation).last;
      if (last?.request === id && last.outcome !== "installed") return last.reason;
    }
    return "the updater of this host did not answer: systemctl status farhand-agent-update.path";
  }

  #say(decision: UpdateDecision): void {
    const words = decisionWords(decision, this.#wanted, this.#deps.rules().pin);
    if (words === this.#said) return;
    this.#said = words;
    if (decision.type !== "nothing" || decision.why === "older") this.#deps.log.info(`update: ${words}`);
  }
}

function problemOf(version: string, reason: string): NonNullable<AgentUpdate["problem"]> {
  return { version, reason: reason.slice(0, REASON_MAX) };
}
