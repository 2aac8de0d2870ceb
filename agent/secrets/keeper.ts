/**
 * The secrets of this host, from whichever provider has them. Every question
 * is bounded in time, and every value that is handed out is known to the
 * redactor before anybody gets it.
 */
import { isUtf8 } from "node:buffer";
import { type HeldSecret, lastBreakBytes, SECRETS_TOLD_MAX, secretValueProblem } from "#protocol/secrets.ts";
import type { Clock } from "../clock.ts";
import { type Log, wordsOf } from "../log.ts";
import type { KnownSecrets } from "../redact/known.ts";
import { isSecretName, missing, SecretFailure, type SecretProvider } from "./provider.ts";

/** How long one secret may take. */
const RESOLVE_TIMEOUT_MS = 10_000;
const LIST_TIMEOUT_MS = 5_000;
/** How often names are listed anew, and values that running steps were given are looked at again. */
const LOOK_EVERY_MS = 30_000;

export interface KeeperOptions {
  providers: readonly SecretProvider[];
  known: KnownSecrets;
  clock: Clock;
  log: Log;
}

export class SecretKeeper {
  readonly #options: KeeperOptions;
  /** How many running steps were given each. */
  readonly #inUse = new Map<string, number>();
  #held: HeldSecret[] = [];
  #cancelLook: () => void = () => {};
  #changed: () => void = () => {};

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** What the providers had when they were last asked, by name. */
  get held(): readonly HeldSecret[] {
    return this.#held;
  }

  /** Lists what there is. @returns whether that has changed */
  async look(): Promise<boolean> {
    const { providers, clock, log } = this.#options;
    const found = new Map<string, string>();
    const listed = await Promise.all(
      providers.map(async (provider) => {
        const names = bounded(clock, LIST_TIMEOUT_MS, undefined, "does not list its secrets", () =>
          provider.list(),
        );
        const list = await names.catch((error) => {
          log.warn("cannot list secrets", { provider: provider.type, reason: wordsOf(error) });
          return [];
        });
        return list.filter(isSecretName).map((name) => [name, provider.type] as const);
      }),
    );
    // The first provider that has it is the one that is asked for it.
    for (const [name, type] of listed.flat()) if (!found.has(name)) found.set(name, type);
    const all = [...found]
      .map(([name, type]) => ({ name, type }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    if (all.length > SECRETS_TOLD_MAX)
      log.warn("holds more secrets than it can tell of", { secrets: all.length });
    const held = all.slice(0, SECRETS_TOLD_MAX);
    const changed = JSON.stringify(held) !== JSON.stringify(this.#held);
    this.#held = held;
    return changed;
  }

  /** Keeps looking for secrets that come and go, and for values that are rotated while steps use them (fault 37). */
  watch(changed: () => void): void {
    this.#changed = changed;
    this.#cancelLook = this.#options.clock.after(LOOK_EVERY_MS, async () => {
      await this.refresh();
      this.watch(changed);
    });
  }

  /** Looks now: at what there is, and at the values that running steps were given. */
  async refresh(): Promise<void> {
    if (await this.look()) this.#changed();
    for (const name of this.#inUse.keys()) await this.resolve(name).catch(() => {});
  }

  stop(): void {
    this.#cancelLook();
  }

  /**
   * The value as it is now, of the first provider that has it.
   * @throws SecretFailure also when that takes too long, or it cannot be kept out of output
   */
  async resolve(name: string, signal?: AbortSignal): Promise<Buffer> {
    const { clock, known } = this.#options;
    const provider = await this.#providerOf(name);
    const words = `the secret "${name}" did not come from its ${provider.type} provider within ${RESOLVE_TIMEOUT_MS / 1000} s`;
    const value = await bounded(clock, RESOLVE_TIMEOUT_MS, signal, words, (own) =>
      provider.resolve(name, own),
    );
    const problem = secretValueProblem(value);
    if (problem) throw new SecretFailure("secret_failed", `the secret "${name}" ${problem}`);
    known.add(name, withoutLastBreak(value));
    return value;
  }

  /** A step was given these; the returned function says that it has ended. */
  use(names: readonly string[]): () => void {
    const count = (name: string, by: number) => {
      const left = (this.#inUse.get(name) ?? 0) + by;
      if (left > 0) this.#inUse.set(name, left);
      else this.#inUse.delete(name);
    };
    for (const name of names) count(name, 1);
    return () => {
      for (const name of names) count(name, -1);
    };
  }

  async #providerOf(name: string): Promise<SecretProvider> {
    const { providers, clock } = this.#options;
    const failures: unknown[] = [];
    for (const provider of providers) {
      const words = `the ${provider.type} provider does not list its secrets`;
      const names = bounded(clock, LIST_TIMEOUT_MS, undefined, words, () => provider.list());
      const list = await names.catch((error): string[] => {
        failures.push(error);
        return [];
      });
      if (list.includes(name)) return provider;
    }
    if (failures[0] instanceof SecretFailure) throw failures[0];
    throw missing(name, "this host");
  }
}

/** A value as it stands in an environment, without the line break that files and programs end with. */
export function withoutLastBreak(value: Buffer): Buffer {
  return value.subarray(0, value.length - lastBreakBytes(value));
}

/** Why a value cannot be put into an environment, in words; undefined when it can. */
export function environmentProblem(value: Buffer): string | undefined {
  return isUtf8(value) && !value.includes(0)
    ? undefined
    : "holds bytes that an environment cannot carry: give it as a file";
}

/** The result of a piece of work, or a failure in these words when it takes too long, whatever it makes of the signal. */
async function bounded<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
  words: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const late = Promise.withResolvers<never>();
  const giveUp = () => {
    late.reject(new SecretFailure("secret_failed", words));
    own.abort();
  };
  const cancel = clock.after(ms, giveUp);
  signal?.addEventListener("abort", giveUp, { once: true });
  if (signal?.aborted) giveUp();
  try {
    return await Promise.race([work(own.signal), late.promise]);
  } catch (error) {
    if (error instanceof SecretFailure) throw error;
    throw new SecretFailure("secret_failed", own.signal.aborted ? words : wordsOf(error));
  } finally {
    cancel();
    signal?.removeEventListener("abort", giveUp);
  }
}
