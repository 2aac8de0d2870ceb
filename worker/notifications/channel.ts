/** What a channel is: one way in which an organization is told of what happens. */
import type { Notification } from "#protocol/notifications.ts";
import type { Env } from "../env.ts";

/** A notification as it goes through the queue. Whatever is repeated, what happened once has one id. */
export interface Notice {
  organizationId: string;
  id: string;
  event: Notification;
}

/** `later`: this attempt failed, and another one may not. */
export type Delivered = "done" | "later";

export interface Channel {
  /** Who is to be told, as ids that only the channel understands; each is told, and tried again, by itself. */
  recipients(env: Env, notice: Notice): Promise<string[]>;
  /**
   * Tells one of them. Called again for the same notice and recipient when it
   * failed, and now and then when it did not: then it should not tell twice.
   * @param again when the next attempt is made if this one fails; undefined when it is the last
   */
  deliver(env: Env, notice: Notice, recipient: string, again: Date | undefined): Promise<Delivered>;
  /** No attempt is made any more. */
  giveUp(env: Env, notice: Notice, recipient: string): Promise<void>;
}
