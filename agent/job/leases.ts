/** The leases of this agent: which offers are taken, and what is held. */
import type { AgentControlMessage, LeaseOffer } from "#protocol/control.ts";
import { freeBytes } from "../files.ts";
import { wordsOf } from "../log.ts";
import { limitsOf } from "../policy/limits.ts";
import { planProblem, SPOOL_RESERVE_BYTES } from "./admission.ts";
import type { Host } from "./host.ts";
import { HeldLease } from "./lease.ts";
import { leaseKey } from "./records.ts";

type DeclineReason = Extract<AgentControlMessage, { type: "lease.declined" }>["reason"];

export type Verdict =
  /** Taken just now: answer, then `begin`. */
  | { type: "accepted"; lease: HeldLease }
  /** Held already: answer again, and nothing else. */
  | { type: "held" }
  /** Over already: this offer is an echo. */
  | { type: "ended" }
  | { type: "declined"; reason: DeclineReason; detail: string };

export interface LeasesOptions {
  host: Host;
  slots: number;
  /** A lease is held: it needs its data socket. */
  held(lease: HeldLease): void;
  /** A lease is over and its slot free. */
  ended(lease: HeldLease): void;
}

export class Leases {
  readonly #options: LeasesOptions;
  readonly #held = new Map<string, HeldLease>();
  draining = false;
  /** The same for a while: this agent is about to be replaced by another version. */
  heldBack = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /** Nothing is held. */
  get idle(): boolean {
    return this.#held.size === 0;
  }

  get all(): Iterable<HeldLease> {
    return this.#held.values();
  }

  /** Takes up a lease that the journal knows from before a restart. */
  resume(lease: HeldLease): void {
    this.#held.set(lease.key, lease);
    this.#options.held(lease);
  }

  offer(offer: LeaseOffer): Verdict {
    const { host } = this.#options;
    const key = leaseKey(offer.lease);
    if (this.#held.has(key)) return { type: "held" };
    if (host.journal.state.ended.has(key)) return { type: "ended" };
    const busy = this.#declineNow();
    if (busy) return busy;
    const problem = planProblem(offer, host.clock.now());
    if (problem) return { type: "declined", reason: "plan_rejected", detail: problem };
    const lease = new HeldLease(offer.lease, offer.plan, host);
    try {
      lease.accept();
    } catch (error) {
      const detail = `the agent cannot write its journal: ${wordsOf(error)}`;
      return { type: "declined", reason: "spool_full", detail };
    }
    this.#held.set(key, lease);
    this.#options.held(lease);
    return { type: "accepted", lease };
  }

  find(leaseId: string, fence: number): HeldLease | undefined {
    return this.#held.get(leaseKey({ id: leaseId, fence }));
  }

  /** A lease that is taken back before it was held: an offer of it that still comes is an echo. @throws when the journal cannot be written */
  ruleOut(leaseId: string, fence: number): void {
    const { journal } = this.#options.host;
    const lease = leaseKey({ id: leaseId, fence });
    if (!journal.state.ended.has(lease)) journal.append({ type: "ended", lease });
  }

  /** Ends a lease once what ran under it has been reported, or could not be for too long. */
  async revoke(lease: HeldLease, why: string): Promise<void> {
    await lease.revoke();
    // Whether the execution comes back is not said by whoever takes a lease back.
    await this.end(lease, why, true);
  }

  /**
   * Ends a lease, frees its slot, and then removes its traces.
   * @param keepFolder false when nothing will come after it, true when it may
   */
  async end(lease: HeldLease, why: string, keepFolder: boolean): Promise<void> {
    await lease.end(why, keepFolder);
    if (!this.#held.delete(lease.key)) return;
    this.#options.ended(lease);
    await lease.cleanUp();
  }

  #declineNow(): Verdict | undefined {
    const { host, slots } = this.#options;
    if (this.draining || this.heldBack) return declined("draining");
    if (this.#held.size >= slots) return declined("no_slot");
    const noRoom = host.spoolBudget.roomOf(limitsOf(host.policy).spoolBytes) <= 0;
    const full = noRoom || freeBytes(host.paths.spool) < SPOOL_RESERVE_BYTES;
    return full ? declined("spool_full") : undefined;
  }
}

const DECLINE_WORDS = {
  draining: "the agent takes nothing new: it is about to stop",
  no_slot: "all slots of the agent are taken",
  spool_full: "too little room on the agent's disk to keep output",
} as const;

function declined(reason: keyof typeof DECLINE_WORDS): Verdict {
  return { type: "declined", reason, detail: DECLINE_WORDS[reason] };
}
