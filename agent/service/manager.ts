/**
 * Tells systemd how the agent is (sd_notify): that it has started, what it is
 * doing, and, as long as that is in order, that it is alive. Does nothing
 * where no service manager asked.
 */
import { execFile } from "node:child_process";
import type { Clock } from "../clock.ts";
import type { Environment } from "../config.ts";
import type { Log } from "../log.ts";
import type { Health } from "./health.ts";

const TELL_TIMEOUT_MS = 10_000;
/** So often within the time after which systemd loses patience. */
const BEATS = 3;

export interface ServiceManagerOptions {
  /** How the agent is now. */
  health: () => Health;
  /** Hands words such as `READY=1` to the service manager. */
  tell: (words: readonly string[]) => Promise<void>;
  /** After so long without a sign of life it restarts the agent; undefined when it does not watch. */
  patienceMs: number | undefined;
  clock: Clock;
  log: Log;
}

export class ServiceManager {
  readonly #options: ServiceManagerOptions;
  #told = "";
  #over = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ServiceManagerOptions) {
    this.#options = options;
  }

  /** The agent has read its state and works from now on, connected or not: it may take a network days to come. */
  ready(): void {
    this.#tell(["READY=1"]);
    this.changed();
    this.#beat();
  }

  /** Something about the connection is different now. */
  changed(): void {
    const { words } = this.#options.health();
    if (words === this.#told || this.#over) return;
    this.#told = words;
    this.#tell([`STATUS=${words}`]);
  }

  stopping(): void {
    this.#over = true;
    this.#tell(["STOPPING=1"]);
  }

  #beat(): void {
    const { clock, patienceMs, health, log } = this.#options;
    if (!patienceMs || this.#over) return;
    const { sound, words } = health();
    if (sound) this.#tell(["WATCHDOG=1"]);
    else log.error("the agent has come to a halt, and waits to be restarted", { words });
    clock.after(patienceMs / BEATS, () => this.#beat());
  }

  /** One after the other, so that nothing old is told last. */
  #tell(words: readonly string[]): void {
    const { tell, log } = this.#options;
    this.#turn = this.#turn.then(() =>
      tell(words).catch((error: Error) =>
        log.warn("cannot tell the service manager", { words: words.join(" "), reason: error.message }),
      ),
    );
  }
}

/**
 * What systemd wants to be told, as its environment says; undefined outside of it.
 * Node has no datagram sockets of Unix, so a helper of systemd's carries the words:
 * once a minute, and when something changes.
 */
export function systemdChannel(
  env: Environment,
): Pick<ServiceManagerOptions, "tell" | "patienceMs"> | undefined {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, PATH } = env;
  if (!NOTIFY_SOCKET) return undefined;
  const patienceMs = Number(WATCHDOG_USEC) / 1_000;
  return {
    patienceMs: patienceMs > 0 ? patienceMs : undefined,
    tell: (words) =>
      new Promise((resolve, reject) => {
        const options = { env: { NOTIFY_SOCKET, PATH }, timeout: TELL_TIMEOUT_MS };
        execFile("systemd-notify", words, options, (error) => (error ? reject(error) : resolve()));
      }),
  };
}
