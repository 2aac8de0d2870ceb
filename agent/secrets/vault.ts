/**
 * HashiCorp Vault, KV version 2, over its HTTP API. The path of each secret is
 * written down on this host: a control plane names secrets, never paths.
 */
import { createReadStream } from "node:fs";
import { z } from "zod";
import { SECRET_MAX_BYTES, secretNameSchema } from "#protocol/secrets.ts";
import type { Clock } from "../clock.ts";
import type { Environment } from "../config.ts";
import { EXIT, Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import { wordsOf } from "../log.ts";
import { CERTIFICATES_MAX_BYTES, collectBounded, readBounded } from "../reading.ts";
import { missing, SecretFailure, type SecretProvider } from "./provider.ts";
import { askVault, type VaultAnswer } from "./vaultHttp.ts";

const absolute = z.string().regex(/^\//, { error: "paths of files are absolute" });
const mountSchema = z
  .string()
  .regex(/^[\w.-]+(?:\/[\w.-]+)*$/, { error: "a mount is written without slashes around it" });

export const vaultConfigSchema = z.strictObject({
  type: z.literal("vault"),
  address: z.url({
    protocol: /^https?$/,
    error: "the address of Vault is like https://vault.example.com:8200",
  }),
  namespace: z.string().min(1).optional(),
  /** PEM of the authority that signed Vault's certificate, when the host does not know it. */
  ca: absolute.optional(),
  mount: mountSchema.default("secret"),
  auth: z.union(
    [
      /** A variable of the agent's environment. */
      z.strictObject({ tokenVariable: z.string().min(1) }),
      z.strictObject({ tokenFile: absolute }),
      z.strictObject({
        roleId: z.string().min(1),
        secretIdFile: absolute,
        mount: mountSchema.default("approle"),
      }),
    ],
    { error: "it has tokenVariable, or tokenFile, or roleId and secretIdFile" },
  ),
  /** By secret: its path in the mount and, behind `#`, the field; `value` when there is none. */
  secrets: z.record(secretNameSchema, z.string().min(1)),
});
type VaultConfig = z.infer<typeof vaultConfigSchema>;

const authSchema = z.object({
  auth: z.object({ client_token: z.string(), lease_duration: z.number(), renewable: z.boolean() }),
});
const selfSchema = z.object({ data: z.object({ ttl: z.number(), renewable: z.boolean().default(false) }) });
const dataSchema = z.object({ data: z.object({ data: z.record(z.string(), z.unknown()).nullable() }) });

/** The part of a token's time after which it is renewed. */
const RENEW_AFTER = 2 / 3;
const RENEW_TIMEOUT_MS = 10_000;
/** The least time between two renewals, and the longest that a timer waits. */
const RENEW_LEAST_MS = 1_000;
const RENEW_MOST_MS = 24 * 60 * 60 * 1000;

export class VaultProvider implements SecretProvider {
  readonly type = "vault";
  readonly #config: VaultConfig;
  readonly #env: Environment;
  readonly #clock: Clock;
  readonly #ca: string | undefined;
  /** What AppRole gave. */
  #loggedIn: string | undefined;
  /** The token whose renewal is planned. */
  #renewed: string | undefined;
  #cancelRenewal: () => void = () => {};

  /** @throws Failure (2) when the file of the authority cannot be read */
  constructor(config: VaultConfig, env: Environment, clock: Clock) {
    this.#config = config;
    this.#env = env;
    this.#clock = clock;
    try {
      const bounds = { what: "it", maxBytes: CERTIFICATES_MAX_BYTES };
      this.#ca = config.ca === undefined ? undefined : readBounded(config.ca, bounds).toString("utf8");
    } catch (error) {
      throw new Failure(`cannot read the authority of Vault in ${config.ca}: ${wordsOf(error)}`, EXIT.usage);
    }
  }

  async list(): Promise<string[]> {
    return Object.keys(this.#config.secrets);
  }

  async resolve(name: string, signal: AbortSignal): Promise<Buffer> {
    const place = Object.hasOwn(this.#config.secrets, name) ? this.#config.secrets[name] : undefined;
    if (place === undefined) throw missing(name, "the configuration of Vault");
    const [path = "", field = "value"] = place.split("#", 2);
    const url = `${this.#config.mount}/data/${path.split("/").map(encodeURIComponent).join("/")}`;
    let answer = await this.#ask("GET", url, await this.#token(signal), signal);
    if (answer.status === 403 && this.#loggedIn !== undefined) {
      // The token of a role ends when it will; the role gives another.
      this.#loggedIn = undefined;
      answer = await this.#ask("GET", url, await this.#token(signal), signal);
    }
    if (answer.status === 404) throw missing(name, `Vault, at ${place},`);
    if (answer.status === 403)
      throw new SecretFailure("secret_denied", `Vault does not let the agent read ${place}`);
    const values = this.#parsed(answer, dataSchema).data.data;
    const value = values && Object.hasOwn(values, field) ? values[field] : undefined;
    if (value === undefined || value === null) throw missing(name, `Vault, at ${place},`);
    return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  }

  async #token(signal: AbortSignal): Promise<string> {
    const { auth } = this.#config;
    if ("tokenVariable" in auth) {
      const token = this.#env[auth.tokenVariable];
      if (!token)
        throw new SecretFailure("secret_failed", `the agent has no token of Vault in ${auth.tokenVariable}`);
      return this.#kept(token, signal);
    }
    // Read each time: others write a new one there.
    if ("tokenFile" in auth) return this.#kept(await readText(auth.tokenFile), signal);
    if (this.#loggedIn !== undefined) return this.#loggedIn;
    const body = { role_id: auth.roleId, secret_id: await readText(auth.secretIdFile) };
    const answer = await this.#ask("POST", `auth/${auth.mount}/login`, undefined, signal, body);
    if (answer.status === 400 || answer.status === 403) {
      throw new SecretFailure(
        "secret_denied",
        "Vault does not know the role of this agent, or its secret id",
      );
    }
    const { client_token: token, lease_duration: seconds, renewable } = this.#parsed(answer, authSchema).auth;
    this.#loggedIn = token;
    this.#renewed = token;
    this.#planRenewal(token, seconds, renewable);
    return token;
  }

  /** Asks once how long a token lasts, and renews it from then on. */
  async #kept(token: string, signal: AbortSignal): Promise<string> {
    if (token === this.#renewed) return token;
    const answer = await this.#ask("GET", "auth/token/lookup-self", token, signal);
    // A token that may not ask is good for what it may do.
    const self = answer.status === 200 ? this.#parsed(answer, selfSchema).data : { ttl: 0, renewable: false };
    this.#renewed = token;
    this.#planRenewal(token, self.ttl, self.renewable);
    return token;
  }

  #planRenewal(token: string, seconds: number, renewable: boolean): void {
    this.#cancelRenewal();
    if (!renewable || seconds <= 0) return;
    const wait = Math.min(Math.max(seconds * 1_000 * RENEW_AFTER, RENEW_LEAST_MS), RENEW_MOST_MS);
    this.#cancelRenewal = this.#clock.after(wait, () => void this.#renew(token, seconds));
  }

  async #renew(token: string, seconds: number): Promise<void> {
    try {
      const signal = AbortSignal.timeout(RENEW_TIMEOUT_MS);
      const answer = await this.#ask("POST", "auth/token/renew-self", token, signal, {});
      if (answer.status === 403) return this.#forget();
      const { lease_duration, renewable } = this.#parsed(answer, authSchema).auth;
      this.#planRenewal(token, lease_duration, renewable);
    } catch {
      // Vault is away: tried again before the token ends, and no longer than it lasts.
      this.#planRenewal(token, seconds / 3, true);
    }
  }

  #forget(): void {
    this.#loggedIn = undefined;
    this.#renewed = undefined;
  }

  #parsed<T>({ status, body }: VaultAnswer, schema: z.ZodType<T>): T {
    if (status !== 200) throw new SecretFailure("secret_failed", `Vault answered with status ${status}`);
    const result = schema.safeParse(body);
    if (result.success) return result.data;
    throw new SecretFailure(
      "secret_failed",
      "what answers at the address of Vault is no Vault with KV version 2",
    );
  }

  #ask(
    method: "GET" | "POST",
    path: string,
    token: string | undefined,
    signal: AbortSignal,
    body?: Record<string, string>,
  ): Promise<VaultAnswer> {
    const { address, namespace } = this.#config;
    return askVault({ address, ca: this.#ca, namespace, method, path, token, body, signal });
  }
}

async function readText(path: string): Promise<string> {
  try {
    const bounds = { what: "it", maxBytes: SECRET_MAX_BYTES };
    return (await collectBounded(createReadStream(path), bounds)).toString("utf8").trim();
  } catch (error) {
    throw new SecretFailure(
      "secret_failed",
      `cannot read ${path} (${errorCode(error) ?? wordsOf(error)}), which Vault asks for`,
    );
  }
}
