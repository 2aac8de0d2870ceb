import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import { admit, type Circuit, CLOSED, reported } from "./breaker.ts";
import type { Admission, BreakersApi } from "./contract.ts";

/** Above this many hosts, the one that was not asked for the longest is forgotten. */
const HOSTS_MAX = 1_000;

/**
 * The circuit breakers of one organization, by host. They live in memory only:
 * as long as requests fail often enough to matter the object stays awake, and
 * a breaker that is forgotten costs a few more failed requests.
 */
export class OutboundBreakers extends DurableObject<Env> implements BreakersApi {
  readonly #circuits = new Map<string, Circuit>();

  async allow(host: string): Promise<Admission> {
    const { circuit, admission } = admit(this.#circuits.get(host) ?? CLOSED, Date.now());
    this.#keep(host, circuit);
    return admission;
  }

  async report(host: string, ok: boolean, probe: boolean): Promise<void> {
    this.#keep(host, reported(this.#circuits.get(host) ?? CLOSED, ok, probe, Date.now()));
  }

  #keep(host: string, circuit: Circuit): void {
    this.#circuits.delete(host);
    if (circuit.state === "closed" && circuit.failures.length === 0) return;
    this.#circuits.set(host, circuit);
    const [oldest] = this.#circuits.keys();
    if (this.#circuits.size > HOSTS_MAX && oldest !== undefined) this.#circuits.delete(oldest);
  }
}
