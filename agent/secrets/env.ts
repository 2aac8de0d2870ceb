import { z } from "zod";
import { variableOf } from "#protocol/secrets.ts";
import type { Environment } from "../config.ts";
import { isSecretName, missing, type SecretProvider } from "./provider.ts";

const PREFIX = "FARHAND_SECRET_";

export const envConfigSchema = z.strictObject({
  type: z.literal("env"),
  /** By secret: the variable that holds it. Those that begin with FARHAND_SECRET_ need no mention. */
  secrets: z.record(z.string(), z.string().min(1)).default({}),
});

/** Variables of the agent's own environment: `db-password` is in `FARHAND_SECRET_DB_PASSWORD`. */
export class EnvProvider implements SecretProvider {
  readonly type = "env";
  readonly #named: Readonly<Record<string, string>>;
  readonly #env: Environment;

  constructor({ secrets }: z.infer<typeof envConfigSchema>, env: Environment) {
    this.#named = secrets;
    this.#env = env;
  }

  async list(): Promise<string[]> {
    const prefixed = Object.keys(this.#env)
      .filter((variable) => variable.startsWith(PREFIX))
      .map((variable) => variable.slice(PREFIX.length).toLowerCase().replaceAll("_", "-"));
    const named = Object.keys(this.#named).filter((name) => this.#variable(name) !== undefined);
    return [...new Set([...named, ...prefixed])].filter(isSecretName);
  }

  async resolve(name: string): Promise<Buffer> {
    const value = this.#variable(name);
    if (value === undefined) throw missing(name, "the agent's environment");
    return Buffer.from(value);
  }

  #variable(name: string): string | undefined {
    const named = Object.hasOwn(this.#named, name) ? this.#named[name] : undefined;
    return this.#env[named ?? PREFIX + variableOf(name)];
  }
}
