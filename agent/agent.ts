/**
 * A running agent: the reconcile loop in the middle, the control session and
 * one data session per lease on it, leases and attempts beside them.
 */
import { closeSync, existsSync, openSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { toBase64url } from "#protocol/base64url.ts";
import { factsIn } from "#protocol/blocks/common.ts";
import type { SealingKey } from "#protocol/sealing/envelope.ts";
import { sealingStatement } from "#protocol/sealing/keys.ts";
import type { Clock } from "./clock.ts";
import { steadyTime, within } from "./clock.ts";
import { ControlSession, type Updates } from "./connection/control.ts";
import { DataSession } from "./connection/data.ts";
import type { Dial } from "./connection/link.ts";
import { type Contact, Reconciler } from "./connection/reconcile.ts";
import { makePrivateDirectory, syncDirectory } from "./files.ts";
import type { Identity } from "./identity.ts";
import { Cgroups } from "./job/cgroup.ts";
import { Folders } from "./job/folders.ts";
import type { Host } from "./job/host.ts";
import { Journal } from "./job/journal.ts";
import type { HeldLease } from "./job/lease.ts";
import { Leases } from "./job/leases.ts";
import { PipePool } from "./job/pipes.ts";
import { bootId, systemProcesses } from "./job/processes.ts";
import { recover } from "./job/recover.ts";
import { Running } from "./job/running.ts";
import { SpoolBudget } from "./job/spoolBudget.ts";
import type { AgentReport } from "./local/protocol.ts";
import type { Log } from "./log.ts";
import type { StatePaths } from "./paths.ts";
import { hostFactsFor } from "./policy/facts.ts";
import { workdirsOf } from "./policy/limits.ts";
import type { Policy } from "./policy/policy.ts";
import { KnownSecrets } from "./redact/known.ts";
import { LauncherPool } from "./runners/launcher.ts";
import { SecretFiles } from "./secrets/files.ts";
import { SecretKeeper } from "./secrets/keeper.ts";
import type { SecretProvider } from "./secrets/provider.ts";
import { SealedSecrets } from "./secrets/sealed.ts";
import type { SealingPair } from "./secrets/sealingKey.ts";
import { SignatureGuard } from "./signatures/guard.ts";

/** What running steps get to end when the agent is told to. */
const SHUTDOWN_GRACE_MS = 5_000;
/** Bounds on the rest of a shutdown: ending steps in all, reporting them, closing sockets. */
const SHUTDOWN_STOP_MS = 12_000;
const SHUTDOWN_REPORT_MS = 5_000;
const SHUTDOWN_CLOSE_MS = 1_000;
const REPORT_POLL_MS = 50;

export interface AgentOptions {
  identity: Pick<Identity, "agentId" | "organizationId" | "poolId" | "labels">;
  slots: number;
  paths: StatePaths;
  /** Where secrets come from, in the order in which they are asked. */
  providers: readonly SecretProvider[];
  /** The key that secrets are sealed to, and how the agent vouches for it; it takes none when absent. */
  sealing?: { key: SealingPair; sign(data: Uint8Array): Uint8Array };
  dial: Dial;
  clock: Clock;
  random: () => number;
  log: Log;
  policy: Policy;
  /** See `HostFacts`. */
  stepUser?: string | undefined;
  updates: Updates;
  /** Called whenever something may be different about a connection. */
  changed?: () => void;
}

export class Agent {
  readonly #options: AgentOptions;
  readonly #host: Host;
  readonly #reconciler: Reconciler;
  readonly #leases: Leases;
  readonly #control: ControlSession;
  readonly #sessions = new Map<string, DataSession>();

  /** Reads the state directory and settles what an earlier run left. */
  static async open(options: AgentOptions): Promise<Agent> {
    const { paths, clock, log, policy, identity, stepUser } = options;
    for (const folder of [paths.root, paths.spool, paths.plans, paths.executions])
      makePrivateDirectory(folder);
    const journal = Journal.open(paths.journal, log);
    const known = new KnownSecrets();
    const secrets = new SecretKeeper({ providers: options.providers, known, clock, log });
    await secrets.look();
    const pipes = await PipePool.open(paths.pipes);
    const cgroups = Cgroups.open(paths.root, clock, log);
    const host: Host = {
      ...{ paths, clock, log, journal, steadyNow: steadyTime(clock) },
      folders: new Folders({
        ...{ root: paths.executions, state: paths.root, journal, clock, log },
        policy: () => workdirsOf(host.policy),
      }),
      ...{ pipes, cgroups },
      spoolBudget: new SpoolBudget(),
      launchers: undefined,
      table: systemProcesses,
      running: new Running(),
      ...{ known, secrets, secretFiles: SecretFiles.open(paths.root, process.env) },
      guard: new SignatureGuard(policy.rules.requireSignature, identity),
      bootId: bootId(),
      ...{ policy, facts: hostFactsFor(stepUser) },
    };
    const agent = new Agent(options, host);
    const leases = await recover(host);
    // Not before what an earlier run left is gone: shells that wait look just like it.
    host.launchers =
      cgroups && (await LauncherPool.open({ cgroups, pipes, table: systemProcesses, clock, log }));
    for (const lease of leases) agent.#leases.resume(lease);
    return agent;
  }

  private constructor(options: AgentOptions, host: Host) {
    const { dial, clock, random, log, slots, identity, updates, changed } = options;
    this.#options = options;
    this.#host = host;
    this.#reconciler = new Reconciler({ dial, clock, random, log, changed });
    this.#leases = new Leases({
      ...{ host, slots },
      held: (lease) => this.#openDataSocket(lease),
      ended: (lease) => this.#leaseEnded(lease),
    });
    const { sealing } = options;
    this.#control = new ControlSession({
      sealed:
        sealing &&
        new SealedSecrets({
          ...{ folder: host.paths.sealed, identity, key: sealing.key, keeper: host.secrets, clock, log },
          policy: () => host.policy,
        }),
      sealingKey: () => sealing && signedKey(identity, sealing),
      ...{ leases: this.#leases, secrets: host.secrets, labels: identity.labels, slots, clock, log, updates },
      policyDigest: () => host.policy.digest,
    });
  }

  /**
   * Connects, and stays connected. Not before the agent can be asked to drain:
   * until then whoever wants that writes it down, and it is read here.
   */
  start(): void {
    this.#leases.draining = existsSync(this.#host.paths.draining);
    this.#reconciler.want(CONTROL_KEY, this.#control);
    this.#host.secrets.watch(() => this.#control.secretsChanged());
  }

  get policy(): Policy {
    return this.#host.policy;
  }

  /** Puts another policy in force, for every step from now on; what runs goes on. */
  set policy(policy: Policy) {
    if (policy.digest === this.#host.policy.digest) return;
    this.#host.policy = policy;
    this.#host.guard = new SignatureGuard(policy.rules.requireSignature, this.#options.identity);
    this.reconnect("the policy of this host has changed");
  }

  /** Takes no new leases for a while, or takes them again. */
  holdBack(isHolding: boolean): void {
    if (this.#leases.heldBack === isHolding) return;
    this.#leases.heldBack = isHolding;
    this.reconnect(isHolding ? "takes nothing new before an update" : "takes work again");
  }

  /** No lease is held. */
  get idle(): boolean {
    return this.#leases.idle;
  }

  /** How it stands with the connection to the pool; undefined when none is wanted. */
  get contact(): Contact | undefined {
    return this.#reconciler.contact(CONTROL_KEY);
  }

  /**
   * Takes nothing new, ends what runs, reports it if the coordinators can be
   * reached in time, and closes. What stays unreported is told by the next start.
   */
  async shutdown(): Promise<void> {
    const { clock, log } = this.#options;
    this.#leases.draining = true;
    log.info("shutting down");
    const leases = Array.from(this.#leases.all);
    const stopped = Promise.all(leases.map((lease) => lease.stopAll("agent_stopped", SHUTDOWN_GRACE_MS)));
    if (!(await within(clock, SHUTDOWN_STOP_MS, stopped))) log.error("some steps did not end in time");
    await this.#reported(clock.monotonic() + SHUTDOWN_REPORT_MS);
    await within(clock, SHUTDOWN_CLOSE_MS, this.#reconciler.shutdown("the agent is shutting down"));
    for (const lease of this.#leases.all) lease.suspend();
    await this.#host.launchers?.close();
    this.#host.pipes.close();
    // However much it is: nobody waits for it.
    void this.#host.folders.suspend();
    this.#host.secrets.stop();
    this.#host.journal.close();
    log.info("stopped");
  }

  /**
   * Takes no new work from now on, also after a restart, or takes it again.
   * @throws when that cannot be written down
   */
  drain(isDraining: boolean): void {
    const { paths, log } = this.#options;
    markDraining(paths.draining, isDraining);
    if (this.#leases.draining === isDraining) return;
    this.#leases.draining = isDraining;
    log.info(isDraining ? "draining: takes no new work" : "takes work again");
    this.reconnect(isDraining ? "draining" : "takes work again");
  }

  /** Has the control socket dialed anew, which tells the pool how things are. */
  reconnect(reason: string): void {
    this.#reconciler.redial(CONTROL_KEY, reason);
  }

  /** How the agent is doing; `startedAt` and the file of the policy are known outside. */
  report(): Omit<AgentReport, "pid" | "version" | "startedAt" | "policy"> {
    const { clock, slots } = this.#options;
    const updates = this.#options.updates.describe();
    return {
      connection: connectionReport(this.contact, clock),
      draining: this.#leases.draining,
      hostLabels: this.#control.told && factsIn(this.#control.told),
      installs: updates.installs,
      updates,
      slots,
      leases: Array.from(this.#leases.all, ({ lease, state }) => ({ executionId: lease.executionId, state })),
    };
  }

  /** Kills every step's group at once: for somebody who does not want to wait. */
  killNow(): void {
    for (const lease of this.#leases.all) lease.killNow();
  }

  #reported(deadline: number): Promise<void> {
    const { clock, log } = this.#options;
    return new Promise((resolve) => {
      const look = (): void => {
        const open = Array.from(this.#sessions.values()).filter((session) => !session.reported);
        if (open.length > 0 && clock.monotonic() < deadline) {
          clock.after(REPORT_POLL_MS, look);
          return;
        }
        if (open.length > 0) log.warn("results left to report at the next start", { leases: open.length });
        resolve();
      };
      look();
    });
  }

  #openDataSocket(lease: HeldLease): void {
    const { clock, log } = this.#options;
    const session = new DataSession({
      ...{ lease, clock, log },
      over: (why, keepFolder) => {
        this.#reconciler.unwant(lease.key, why);
        void this.#leases.end(lease, why, keepFolder);
      },
    });
    this.#sessions.set(lease.key, session);
    this.#reconciler.want(lease.key, session);
  }

  #leaseEnded(lease: HeldLease): void {
    this.#sessions.delete(lease.key);
    this.#reconciler.unwant(lease.key, "the lease is over");
    this.#control.ended(lease);
  }
}

/** Signed anew for each hello: the identity's key may be another by then. */
function signedKey(
  identity: AgentOptions["identity"],
  { key: { publicKey }, sign }: NonNullable<AgentOptions["sealing"]>,
): SealingKey {
  const signature = sign(sealingStatement(identity, publicKey));
  return { publicKey, signature: toBase64url(signature) };
}

/** Notes for the next start that the agent takes no new work, or that it does. */
export function markDraining(path: string, isDraining: boolean): void {
  if (isDraining) closeSync(openSync(path, "a", 0o600));
  // Not rmSync, whose errors do not say that a disk is read-only.
  else if (existsSync(path)) unlinkSync(path);
  syncDirectory(dirname(path));
}

function connectionReport(contact: Contact | undefined, clock: Clock): AgentReport["connection"] {
  if (!contact) return { state: "connecting" };
  const { phase } = contact;
  const why = { problem: contact.problem?.words, code: contact.problem?.code };
  const now = clock.monotonic();
  if (phase === "down") {
    return { state: "waiting", ...why, retryInMs: Math.max(0, Math.round(contact.dialAt - now)) };
  }
  if (phase === "dialing" || !contact.settled) return { state: "connecting", ...why };
  return { state: "connected", since: new Date(clock.now() - (now - contact.openedAt)).toISOString() };
}

/** Not the key of any lease: those hold a dot. */
const CONTROL_KEY = "control";
