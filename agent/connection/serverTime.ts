/**
 * The control plane's clock, as far as this host knows it: assertions are made
 * out by it. Where an answer of 401 shows that the host's own is off, the
 * difference is taken along from then on (promise G12).
 */
import type { Clock } from "../clock.ts";
import { type HttpAnswer, serverTimeOf } from "./refusal.ts";

/** Clocks this far apart are not worth a correction. */
const SKEW_TOLERATED_MS = 10_000;

export class ServerTime {
  readonly #clock: Clock;
  #aheadMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ms since the epoch. */
  now(): number {
    return this.#clock.now() + this.#aheadMs;
  }

  /** @returns words for the log when the difference is news, and may be why it was refused */
  learn(answer: HttpAnswer): string | undefined {
    const serverTime = serverTimeOf(answer);
    if (answer.status !== 401 || serverTime === undefined) return undefined;
    const ahead = serverTime - this.#clock.now();
    if (Math.abs(ahead - this.#aheadMs) < SKEW_TOLERATED_MS) return undefined;
    this.#aheadMs = ahead;
    const side = ahead > 0 ? "behind" : "ahead of";
    const seconds = Math.round(Math.abs(ahead) / 1000);
    return `this host's clock is ${seconds} s ${side} the control plane's; signing by the latter from now on`;
  }
}
