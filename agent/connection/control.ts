/** The control socket: who this agent is, and which leases it takes. */
import { arch, hostname, type as osType, release } from "node:os";
import { AGENT_PATHS } from "#protocol/assertion.ts";
import {
  type AgentControlMessage,
  type LeaseOffer,
  type PoolControlMessage,
  poolControlMessageSchema,
} from "#protocol/control.ts";
import type { SealingKey } from "#protocol/sealing/envelope.ts";
import type { Lease } from "#protocol/socket.ts";
import { CLOSE_CODES, parseFrame } from "#protocol/socket.ts";
import type { AgentUpdate } from "#protocol/update.ts";
import { PROTOCOL_VERSIONS } from "#protocol/version.ts";
import type { Clock } from "../clock.ts";
import type { HeldLease } from "../job/lease.ts";
import type { Leases } from "../job/leases.ts";
import { type Log, wordsOf } from "../log.ts";
import type { SecretKeeper } from "../secrets/keeper.ts";
import type { SealedSecrets } from "../secrets/sealed.ts";
import { AGENT_VERSION } from "../version.ts";
import { type Ending, refusalCode } from "./backoff.ts";
import { type HostInventory, hostInventory, withFacts } from "./inventory.ts";
import type { Link, Session } from "./link.ts";

/** Answers to commands that are kept for repeats. */
const ANSWERS_MAX = 1024;
/** A clock further off than this is worth a warning. */
const SKEW_WARN_MS = 30_000;

export interface ControlSessionDeps {
  leases: Leases;
  secrets: Pick<SecretKeeper, "held">;
  /** What people seal to this agent; absent when it takes none. */
  sealed: Pick<SealedSecrets, "put" | "remove"> | undefined;
  /** Their key as it is told, signed. */
  sealingKey(): SealingKey | undefined;
  labels: Record<string, string>;
  slots: number;
  clock: Clock;
  log: Log;
  /** Of the policy in force. */
  policyDigest(): string;
  updates: Updates;
}

/** Who sees to the version that the control plane wants. */
export interface Updates {
  describe(): AgentUpdate;
  welcomed(): void;
  want(version: string | undefined): void;
}

/** Said by the control plane itself: a status alone may be anybody's in between. */
function isRevocation(ending: Ending): boolean {
  return refusalCode(ending) === "agent_revoked";
}

type SecretCommand = Extract<PoolControlMessage, { type: "secret.put" | "secret.remove" }>;
type Declined = Extract<AgentControlMessage, { type: "lease.declined" }>;

export class ControlSession implements Session {
  readonly path = AGENT_PATHS.control;
  readonly #deps: ControlSessionDeps;
  readonly #inventory: () => HostInventory;
  #link: Link | undefined;
  #told: Record<string, string> | undefined;
  /** Refusals by command id: a repeat gets the same one, for the lease may be elsewhere by now (CM2). */
  readonly #declined = new Map<string, Declined>();

  constructor(deps: ControlSessionDeps) {
    this.#deps = deps;
    this.#inventory = hostInventory(deps.clock);
  }

  /** Its labels as it told them last: what runbooks select by. Undefined before it has told any. */
  get told(): Readonly<Record<string, string>> | undefined {
    return this.#told;
  }

  opened(link: Link): void {
    this.#link = link;
    const { leases, secrets, labels, slots, policyDigest, updates, sealingKey } = this.#deps;
    const inventory = this.#inventory();
    this.#told = withFacts(labels, inventory.labels);
    this.#send({
      type: "hello",
      protocol: PROTOCOL_VERSIONS,
      agentVersion: AGENT_VERSION,
      hostname: hostname().slice(0, 255),
      os: `${osType()} ${release()}`.slice(0, 64),
      arch: arch(),
      labels: this.#told,
      slots,
      draining: leases.draining || leases.heldBack,
      policy: { digest: policyDigest() },
      update: updates.describe(),
      secrets: [...secrets.held],
      interpreters: inventory.interpreters,
      leases: Array.from(leases.all, ({ lease, state }) => ({ ...lease, state })),
      sealing: sealingKey(),
    });
  }

  lost(ending: Ending): void {
    this.#link = undefined;
    if (!isRevocation(ending)) return;
    // It may have been away when its leases were taken back.
    const { leases } = this.#deps;
    for (const lease of leases.all) void leases.revoke(lease, "this agent was revoked");
  }

  received(frame: string): string | undefined {
    const parsed = parseFrame(poolControlMessageSchema, frame);
    if (!parsed.ok) return parsed.reason;
    this.#handle(parsed.message);
    return undefined;
  }

  /** The slot of this lease is free again. */
  ended({ lease }: HeldLease): void {
    this.#send({ type: "lease.ended", leaseId: lease.id, fence: lease.fence });
  }

  /** Tells the names anew; without a connection the next `hello` does. */
  secretsChanged(): void {
    this.#send({ type: "secrets", secrets: [...this.#deps.secrets.held] });
  }

  #handle(message: PoolControlMessage): void {
    switch (message.type) {
      case "welcome":
        this.#welcome(message);
        return;
      case "version.wanted":
        this.#deps.updates.want(message.version ?? undefined);
        return;
      case "lease.offer":
        this.#offer(message);
        return;
      case "lease.revoke":
        this.#revoke(message);
        return;
      case "secret.put":
      case "secret.remove":
        void this.#secret(message);
        return;
      default:
        message satisfies never;
    }
  }

  #welcome(message: Extract<PoolControlMessage, { type: "welcome" }>): void {
    const { log, clock } = this.#deps;
    if (message.protocol < PROTOCOL_VERSIONS.min || message.protocol > PROTOCOL_VERSIONS.max) {
      this.#link?.close(
        CLOSE_CODES.upgradeRequired,
        "this agent does not speak that version: upgrade the agent",
      );
      return;
    }
    this.#link?.settle();
    log.info("connected", { protocol: message.protocol });
    this.#deps.updates.welcomed();
    this.#deps.updates.want(message.wantedVersion);
    const skewMs = Math.round(clock.now() - message.time);
    if (Math.abs(skewMs) > SKEW_WARN_MS) {
      log.warn("this host's clock differs from the control plane's; assertions may be refused", { skewMs });
    }
  }

  #offer(offer: LeaseOffer): void {
    const { leases, log } = this.#deps;
    this.#send({ type: "ack", id: offer.id });
    const before = this.#declined.get(offer.id);
    if (before) {
      this.#send(before);
      return;
    }
    const verdict = leases.offer(offer);
    switch (verdict.type) {
      case "accepted":
        this.#accepted(offer.lease);
        verdict.lease.start(offer.firstStep);
        return;
      case "held":
        this.#accepted(offer.lease);
        return;
      case "ended":
        this.#send({ type: "lease.ended", leaseId: offer.lease.id, fence: offer.lease.fence });
        return;
      case "declined": {
        const { reason, detail } = verdict;
        const { id: leaseId, fence, executionId } = offer.lease;
        log.warn("declined a lease", { executionId: executionId.slice(0, 64), reason, detail });
        const answer: Declined = {
          type: "lease.declined",
          leaseId,
          fence,
          reason,
          detail: detail.slice(0, 500),
        };
        this.#remember(offer.id, answer);
        this.#send(answer);
        return;
      }
      default:
        verdict satisfies never;
    }
  }

  #revoke({ id, leaseId, fence, reason }: Extract<PoolControlMessage, { type: "lease.revoke" }>): void {
    const { leases, log } = this.#deps;
    this.#send({ type: "ack", id });
    const lease = leases.find(leaseId, fence);
    if (lease) {
      void leases.revoke(lease, `revoked: ${reason}`);
      return;
    }
    try {
      leases.ruleOut(leaseId, fence);
      this.#send({ type: "lease.ended", leaseId, fence });
    } catch (error) {
      // Not answered: the pool says it again.
      log.error("cannot note in the journal that a lease is over", { reason: wordsOf(error) });
    }
  }

  /** Answered when it is on disk: until then the pool says it again. */
  async #secret(message: SecretCommand): Promise<void> {
    const { sealed } = this.#deps;
    if (!sealed) return;
    const { id, name } = message;
    const done = message.type === "secret.put" ? sealed.put(name, message.envelope) : sealed.remove(name);
    this.#send({ type: "secret.answer", id, ...(await done) });
  }

  #accepted(lease: Lease): void {
    this.#send({ type: "lease.accepted", leaseId: lease.id, fence: lease.fence });
  }

  #remember(id: string, answer: Declined): void {
    this.#declined.set(id, answer);
    for (const oldest of this.#declined.keys()) {
      if (this.#declined.size <= ANSWERS_MAX) break;
      this.#declined.delete(oldest);
    }
  }

  #send(message: AgentControlMessage): void {
    this.#link?.send(JSON.stringify(message));
  }
}
