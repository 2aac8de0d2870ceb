/**
 * When to dial again (rules HS1, HS4): a pure decision over how the last try
 * ended. Nothing here ever says "never": an agent that gave up would need a
 * person on its host.
 */
import type { ErrorCode } from "#protocol/errors.ts";
import { RECONNECT_MAX_MS, RECONNECT_MIN_MS, RECONNECT_UPGRADE_MS } from "#protocol/limits.ts";
import { CLOSE_CODES } from "#protocol/socket.ts";

/** How a try to connect, or a connection, ended. */
export type Ending =
  /** It was open, and was closed by either end; `settled` when the far end had welcomed it. */
  | { type: "closed"; code: number; reason: string; settled: boolean }
  /** The server answered the upgrade with an HTTP status of its own. */
  | { type: "refused"; status: number; detail: string; retryAfterMs?: number; code?: ErrorCode }
  /** Something that is not a control plane answered: a captive portal, a proxy without WebSockets. */
  | { type: "foreign"; status: number; detail: string }
  | { type: "network"; detail: string }
  /** Nothing was heard for too long (HS3). */
  | { type: "silent" };

/** Which refusal of the control plane it was; undefined when it was none, or one without a code. */
export function refusalCode(ending: Ending): ErrorCode | undefined {
  switch (ending.type) {
    case "refused":
      return ending.code;
    case "closed":
      return CODES_OF_CLOSING.get(ending.code);
    default:
      return undefined;
  }
}

const CODES_OF_CLOSING: ReadonlyMap<number, ErrorCode> = new Map([
  [CLOSE_CODES.revoked, "agent_revoked"],
  [CLOSE_CODES.quarantined, "agent_quarantined"],
  [CLOSE_CODES.upgradeRequired, "version_unsupported"],
]);

export interface Retry {
  delayMs: number;
  /** Failures in a row so far, to be handed in next time. */
  failures: number;
  /** What happened and what to do, for the log. */
  words: string;
}

/** A Retry-After beyond this is not believed. */
const RETRY_AFTER_MAX_MS = 60 * 60_000;

/**
 * @param failures failures in a row before this one
 * @param random a number from 0 up to 1
 */
export function planRetry(ending: Ending, failures: number, random: number): Retry {
  const next = (delayMs: number, words: string): Retry => ({ delayMs, failures: failures + 1, words });
  switch (ending.type) {
    case "closed":
      return planAfterClose(ending, failures, random);
    case "silent":
      return { ...next(jitter(0, random), "the control plane fell silent"), failures: 1 };
    case "network":
      return next(jitter(failures, random), `cannot reach the control plane: ${ending.detail}`);
    case "foreign":
      return next(jitter(failures, random), `what answered is not a control plane: ${ending.detail}`);
    case "refused": {
      if (ending.status === 426) return next(upgradePause(random), ending.detail);
      const least = Math.min(ending.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
      const pause = ending.status === 401 || ending.status === 403 ? slow(random) : jitter(failures, random);
      return next(least > 0 ? least + pause : pause, `the control plane refused: ${ending.detail}`);
    }
    default:
      return ending satisfies never;
  }
}

function planAfterClose(
  ending: Extract<Ending, { type: "closed" }>,
  failures: number,
  random: number,
): Retry {
  const { code, reason, settled } = ending;
  const words = `the connection was closed (${code}${reason ? `: ${reason}` : ""})`;
  switch (code) {
    case CLOSE_CODES.upgradeRequired:
      return { delayMs: upgradePause(random), failures: failures + 1, words };
    case CLOSE_CODES.revoked:
    case CLOSE_CODES.quarantined:
    case CLOSE_CODES.replaced:
      return { delayMs: slow(random), failures: failures + 1, words };
    case CLOSE_CODES.protocolError:
      // A peer that welcomes and then breaks the protocol each time would else be dialed twice a second.
      return { delayMs: jitter(failures, random), failures: failures + 1, words };
    default:
      return settled
        ? { delayMs: jitter(0, random), failures: 1, words }
        : { delayMs: jitter(failures, random), failures: failures + 1, words };
  }
}

/** Full jitter: anything from nothing up to a cap that doubles with each failure, 1 s to 60 s. */
function jitter(failures: number, random: number): number {
  return random * Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** Math.min(failures, 16));
}

/** For a refusal that time alone seldom heals: half a minute to a minute. */
function slow(random: number): number {
  return RECONNECT_MAX_MS * (0.5 + random / 2);
}

function upgradePause(random: number): number {
  return RECONNECT_UPGRADE_MS * (1 + random / 5);
}
