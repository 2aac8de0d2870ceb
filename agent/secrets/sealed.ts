/**
 * Secrets that people have sealed to this agent, in their browser or with the
 * command line. The control plane only passes them on, and could seal some of
 * its own making, so the host decides which names it takes (policy `sealed`),
 * and never one that it has from somewhere else.
 */
import { createHash } from "node:crypto";
import { SEALED_LIFE_MS, type SealedEnvelope } from "#protocol/sealing/envelope.ts";
import { SEALED_AHEAD_MS } from "#protocol/sealing/recipients.ts";
import { openSecret } from "#protocol/sealing/seal.ts";
import { SEALED_TYPE, SECRETS_TOLD_MAX, secretValueProblem } from "#protocol/secrets.ts";
import type { Clock } from "../clock.ts";
import { inWords } from "../files.ts";
import type { Identity } from "../identity.ts";
import { type Log, wordsOf } from "../log.ts";
import { sealedProblem } from "../policy/judge.ts";
import type { Policy } from "../policy/policy.ts";
import type { SecretKeeper } from "./keeper.ts";
import type { SealingPair } from "./sealingKey.ts";
import { SecretStore } from "./store.ts";
import { SealedVersions } from "./versions.ts";

/** What came in sealed, encrypted on this host's disk. It is asked last, so that it stands in for nothing that the host has. */
export function sealedStore(folder: string): SecretStore {
  return new SecretStore(folder, SEALED_TYPE);
}

export type SealedAnswer = { outcome: "done" } | { outcome: "refused"; detail: string };

export interface SealedDeps {
  /** Where they are kept. */
  folder: string;
  identity: Pick<Identity, "agentId" | "organizationId">;
  key: SealingPair;
  keeper: Pick<SecretKeeper, "look" | "refresh" | "held">;
  policy(): Policy;
  clock: Clock;
  log: Log;
}

export class SealedSecrets {
  readonly #deps: SealedDeps;
  readonly #store: SecretStore;
  readonly #versions: SealedVersions;
  readonly #privateKey: Promise<CryptoKey>;
  /** One after the other: each looks at what the one before has left. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: SealedDeps) {
    this.#deps = deps;
    this.#store = sealedStore(deps.folder);
    this.#versions = new SealedVersions(deps.folder);
    const jwk = deps.key.privateKey.export({ format: "jwk" });
    this.#privateKey = crypto.subtle.importKey("jwk", jwk, "X25519", false, ["deriveBits"]);
    // Told by whoever needs it.
    this.#privateKey.catch(() => {});
  }

  /** Keeps what is in an envelope. Safe to repeat. */
  put(name: string, envelope: SealedEnvelope): Promise<SealedAnswer> {
    return this.#inTurn(name, () => this.#put(name, envelope));
  }

  /** Forgets one that came in sealed; one that is not there is gone already. */
  remove(name: string): Promise<SealedAnswer> {
    return this.#inTurn(name, async () => {
      forgetSealed(this.#deps.folder, name, this.#deps.clock.now());
      this.#deps.log.info("a sealed secret was removed", { name });
      return undefined;
    });
  }

  /** @param work resolves with why it was refused */
  async #inTurn(name: string, work: () => Promise<string | undefined>): Promise<SealedAnswer> {
    const { folder, keeper, log } = this.#deps;
    const turn = this.#last.then(work).catch((error) => {
      const words = inWords(error, folder);
      return `it could not be kept: ${wordsOf(words)}`;
    });
    this.#last = turn;
    const problem = await turn;
    if (problem === undefined) {
      await keeper.refresh();
      return { outcome: "done" };
    }
    log.warn("a sealed secret was refused", { name, reason: problem });
    return { outcome: "refused", detail: problem.slice(0, 500) };
  }

  async #put(name: string, envelope: SealedEnvelope): Promise<string | undefined> {
    const { identity, key, clock, log } = this.#deps;
    const refused = sealedProblem(this.#deps.policy(), name) ?? (await this.#nameProblem(name));
    if (refused !== undefined) return refused;
    const digest = createHash("sha256").update(`${envelope.key} ${envelope.sealed}`).digest("hex");
    const old = this.#timeProblem(name, envelope.version, digest);
    if (old !== undefined) return old;
    if (envelope.key !== key.fingerprint) {
      return `it is sealed to the key ${envelope.key.slice(0, 16)}…, and this agent's is ${key.fingerprint.slice(0, 16)}…: seal it again`;
    }
    const value = await openSecret({ ...identity, name }, await this.#privateKey, envelope);
    if (!value) return "it does not open: it was damaged, or sealed for another name, agent or organization";
    const unusable = secretValueProblem(value);
    if (unusable !== undefined) return `the value ${unusable}`;
    // The version first: what a crash leaves is then taken again, and nothing older.
    this.#versions.note(name, { version: envelope.version, digest, removed: false }, clock.now());
    this.#store.set(name, value);
    value.fill(0);
    log.info("a sealed secret was kept", { name, version: envelope.version });
    return undefined;
  }

  async #nameProblem(name: string): Promise<string | undefined> {
    const { keeper } = this.#deps;
    await keeper.look();
    const holder = keeper.held.find((held) => held.name === name);
    if (holder?.type === SEALED_TYPE) return undefined;
    if (holder) return `this host has it already, from its ${holder.type} provider, and keeps that`;
    const count = keeper.held.filter(({ type }) => type === SEALED_TYPE).length;
    return count >= SECRETS_TOLD_MAX ? `it holds ${count} sealed secrets already` : undefined;
  }

  #timeProblem(name: string, version: number, digest: string): string | undefined {
    const now = this.#deps.clock.now();
    const clockWords = `by this host's clock, which says ${new Date(now).toISOString()}`;
    if (version < now - SEALED_LIFE_MS)
      return `it was sealed more than 7 days ago ${clockWords}: seal it again`;
    if (version > now + SEALED_AHEAD_MS) return `it was sealed more than a day in the future ${clockWords}`;
    const last = this.#versions.all().get(name);
    if (!last || version > last.version) return undefined;
    // The same again, because the answer was lost.
    if (version === last.version && digest === last.digest && !last.removed) return undefined;
    return "it was sealed before what this agent had last under this name: seal it again";
  }
}

/**
 * Takes a sealed secret off this host's disk, and sees to it that the same
 * envelope, or one from before, does not bring it back.
 * @param now ms since the epoch
 * @returns false when there was none. @throws the system's error
 */
export function forgetSealed(folder: string, name: string, now: number): boolean {
  const versions = new SealedVersions(folder);
  const last = versions.all().get(name);
  if (last && !last.removed) versions.note(name, { ...last, removed: true }, now);
  return sealedStore(folder).remove(name);
}
