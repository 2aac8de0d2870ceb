/**
 * Going over to a new key (HS6): propose it, signed by both, then connect with
 * it. Whatever is cut short is taken up again, with the same key.
 */
import { envelope } from "#protocol/api/envelope.ts";
import { AGENT_PATHS, rotateKeyResponseSchema } from "#protocol/assertion.ts";
import type { Clock } from "./clock.ts";
import { signAssertion } from "./connection/assertion.ts";
import type { ServerTime } from "./connection/serverTime.ts";
import { postJson, type Transport } from "./connection/transport.ts";
import { readAgentAnswer } from "./enroll.ts";
import { fingerprintOf } from "./identity.ts";
import type { KeyRing } from "./keys.ts";
import { type Log, wordsOf } from "./log.ts";

const TIMEOUT_MS = 30_000;
const LOOK_EVERY_MS = 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;

const answerSchema = envelope(rotateKeyResponseSchema);

/**
 * Makes the next key, and has the control plane know it.
 * @returns its fingerprint
 * @throws Failure, or an error in words
 */
export async function proposeKey(keys: KeyRing, transport: Transport, time: ServerTime): Promise<string> {
  const { agentId, url } = keys.identity;
  const old = keys.active;
  const next = keys.prepare();
  const path = AGENT_PATHS.rotateKey;
  const sign = (privateKey: typeof next.privateKey, more = {}) =>
    signAssertion({ agentId, url, privateKey }, path, time.now(), more);
  const post = async () =>
    postJson(transport, {
      path,
      headers: { authorization: `Bearer ${sign(old.privateKey, { newKey: next.publicKey })}` },
      body: { publicKey: next.publicKey, proof: sign(next.privateKey) },
      timeoutMs: TIMEOUT_MS,
    });
  const first = await post();
  const answer = time.learn(first) ? await post() : first;
  readAgentAnswer(url, answer, answerSchema);
  keys.goOver();
  return fingerprintOf(next.publicKey);
}

export interface RotationDeps {
  keys: KeyRing;
  transport: Transport;
  clock: Clock;
  time: ServerTime;
  log: Log;
  /** How old a key may become; 0 for any age. */
  days: number;
  /** Has the agent connect anew, with the next key. */
  reconnect(): void;
}

export class Rotation {
  readonly #deps: RotationDeps;
  #cancel = () => {};

  constructor(deps: RotationDeps) {
    this.#deps = deps;
  }

  /** Looks now and then whether the key is too old, or a change was cut short. */
  start(): void {
    const { keys, clock, days, log } = this.#deps;
    const look = (): void => {
      const isOld = days > 0 && clock.now() - keys.madeAt > days * DAY_MS;
      if (isOld || keys.next) {
        this.rotate().catch((error) =>
          log.warn("could not go over to a new key; the old one stays", { reason: wordsOf(error) }),
        );
      }
      this.#cancel = clock.after(LOOK_EVERY_MS, look);
    };
    look();
  }

  /** @returns the fingerprint of the new key */
  async rotate(): Promise<string> {
    const { keys, transport, time, log, reconnect } = this.#deps;
    const fingerprint = await proposeKey(keys, transport, time);
    log.info("goes over to a new key", { fingerprint });
    reconnect();
    return fingerprint;
  }

  stop(): void {
    this.#cancel();
  }
}
