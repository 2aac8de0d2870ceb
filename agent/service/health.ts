/**
 * Whether the agent does its work, as a service manager has to know it: is
 * there contact with the control plane, or is it properly on its way to it?
 *
 * A network that is down is no reason to restart an agent, for that would end
 * the steps that run on it. So what counts is that the reconcile loop goes
 * on: an open socket has been heard within the heartbeat's bound, a dial ends
 * in time, the next one is made when it is due. Where that is not so something
 * has come loose, and only a restart puts it right.
 */
import { HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";
import type { Contact } from "../connection/reconcile.ts";

/** Every way in which a dial ends is bounded well below this. */
const DIAL_MAX_MS = 60_000;
/** A busy host may be late; more than this is no delay any more. */
const LATE_MAX_MS = 30_000;

export interface Health {
  sound: boolean;
  /** For whoever looks at the service. */
  words: string;
}

/** @param contact undefined when no connection is wanted, as during a shutdown */
export function healthOf(contact: Contact | undefined, now: number): Health {
  if (!contact) return { sound: true, words: "stopping" };
  switch (contact.phase) {
    case "open":
      return {
        sound: now <= contact.heardAt + HEARTBEAT_TIMEOUT_MS + LATE_MAX_MS,
        words: contact.settled ? "connected" : "connecting",
      };
    case "dialing":
      return { sound: now <= contact.since + DIAL_MAX_MS, words: "connecting" };
    case "down":
      return { sound: now <= contact.dialAt + LATE_MAX_MS, words: "not connected, and trying again" };
    default:
      return contact satisfies never;
  }
}
