/**
 * What a ping's answer proves: frames stay in order, so all that was sent before
 * the ping has arrived as well, or is lost. Answers carry no name; they are
 * taken for those of the oldest ping, so that none proves too much.
 */
import { HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";

export class Echoes {
  /** When each ping was sent that has no answer yet (monotonic ms), oldest first. */
  #open: number[] = [];
  #waiting: { since: number; arrived: () => void }[] = [];

  /** @param arrived called once all that was sent before has arrived or is lost */
  pinged(now: number, arrived?: () => void): void {
    // A ping that is lost itself would have every later answer taken for an earlier one's.
    this.#open = this.#open.filter((sentAt) => now - sentAt < HEARTBEAT_TIMEOUT_MS);
    this.#open.push(now);
    if (arrived) this.#waiting.push({ since: now, arrived });
  }

  answered(): void {
    const sentAt = this.#open.shift();
    if (sentAt === undefined) return;
    const isProven = ({ since }: { since: number }) => since <= sentAt;
    const proven = this.#waiting.filter(isProven);
    this.#waiting = this.#waiting.filter((each) => !isProven(each));
    for (const { arrived } of proven) arrived();
  }
}
