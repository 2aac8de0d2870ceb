/** What becomes of leases: decisions over what the pool has stored and what an agent says. Pure. */
import type { AgentControlMessage, PoolControlMessage } from "#protocol/control.ts";
import type { OfferPayload } from "./contract.ts";
import type { Hello } from "./presence.ts";
import type { LeaseRow, QueueRow } from "./store.ts";

export type LeaseAction =
  | { type: "accept"; lease: LeaseRow }
  /** The agent is told that it is over; the lease stays until it has said so. */
  | { type: "revoke"; lease: Pick<LeaseRow, "id" | "fence">; reason: string }
  | { type: "offer"; lease: LeaseRow }
  /** It is gone, and its coordinator knows. */
  | { type: "free"; lease: LeaseRow }
  /** It is gone and nothing was started. `retry` is false when another agent would say the same. */
  | { type: "fail"; lease: LeaseRow; reason: string; retry: boolean }
  /** It is gone, and what was started with it is unknown. `mayRun`: its agent may not have ended it. */
  | { type: "lose"; lease: LeaseRow; reason: string; mayRun: boolean };

/** Brings both ends' idea of an agent's leases together after a loss of contact. */
export function reconcile(known: readonly LeaseRow[], told: Hello["leases"]): LeaseAction[] {
  const isSame = (one: { id: string; fence: number }) => (other: { id: string; fence: number }) =>
    one.id === other.id && one.fence === other.fence;
  const settled = known.map((lease) => (told.some(isSame(lease)) ? stillHeld(lease) : notHeld(lease)));
  const strangers = told.filter((lease) => lease.state === "active" && !known.some(isSame(lease)));
  return [
    ...settled,
    ...strangers.map((lease) => ({ type: "revoke" as const, lease, reason: "this lease is over" })),
  ];
}

const FORGOTTEN = "its agent came back without any record of it";

function stillHeld(lease: LeaseRow): LeaseAction {
  return lease.status === "released" || lease.status === "revoked"
    ? { type: "revoke", lease, reason: "finished" }
    : { type: "accept", lease };
}

/** An offer that never arrived, or a lease that the agent has lost. */
function notHeld(lease: LeaseRow): LeaseAction {
  switch (lease.status) {
    case "offered":
      return { type: "fail", lease, reason: "the offer did not reach the agent", retry: true };
    case "accepted":
      return { type: "lose", lease, reason: FORGOTTEN, mayRun: false };
    case "released":
      return { type: "free", lease };
    case "revoked":
      // It may have been taken from another machine than the one that is here now (HS5).
      return { type: "lose", lease, reason: FORGOTTEN, mayRun: true };
    default:
      return lease.status satisfies never;
  }
}

/** It is not with its agent any more: who still counts on it is told. */
function gone(lease: LeaseRow): LeaseAction {
  return lease.status === "released"
    ? { type: "free", lease }
    : { type: "lose", lease, reason: "its agent has ended the lease", mayRun: false };
}

export type LeaseReport = Exclude<
  AgentControlMessage,
  { type: "hello" | "ack" | "secrets" | "secret.answer" }
>;

/** What a report leads to. It changes nothing when the lease is not this agent's under this fence (S5): then nothing is to run under it. */
export function reported(
  lease: LeaseRow | undefined,
  agentId: string,
  message: LeaseReport,
): LeaseAction | undefined {
  if (!lease || lease.agentId !== agentId || lease.fence !== message.fence) {
    if (message.type !== "lease.accepted") return undefined;
    const { leaseId: id, fence } = message;
    return { type: "revoke", lease: { id, fence }, reason: "this lease is over" };
  }
  switch (message.type) {
    case "lease.accepted":
      return lease.status === "offered" ? { type: "accept", lease } : undefined;
    case "lease.declined": {
      // What was accepted is ended, not declined (S5); what is to be given back is not with its agent now.
      if (lease.status === "accepted") return undefined;
      if (lease.status !== "offered") return gone(lease);
      const { reason, detail } = message;
      return { type: "fail", lease, reason: detail || reason, retry: reason !== "plan_rejected" };
    }
    case "lease.ended":
      return gone(lease);
    default:
      return message satisfies never;
  }
}

/** What to do about an agent's silence (CM1). One that is away is settled by its next hello. */
export function unanswered(lease: LeaseRow, isConnected: boolean): LeaseAction | undefined {
  if (lease.status === "offered") return isConnected ? { type: "offer", lease } : undefined;
  if (isConnected) return { type: "revoke", lease, reason: "finished" };
  if (lease.status === "released") return { type: "free", lease };
  const reason = "it was taken from its agent, which has not said that it has ended it";
  return { type: "lose", lease, reason, mayRun: true };
}

export function offerCommand(
  { id, executionId, fence }: QueueRow,
  payload: OfferPayload,
): PoolControlMessage {
  return { type: "lease.offer", id: `offer:${id}`, lease: { id, executionId, fence }, ...payload };
}

export function revokeCommand(
  { id, fence }: Pick<LeaseRow, "id" | "fence">,
  reason: string,
): PoolControlMessage {
  return { type: "lease.revoke", id: `revoke:${id}`, leaseId: id, fence, reason: reason.slice(0, 200) };
}
