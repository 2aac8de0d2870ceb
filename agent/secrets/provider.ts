/** What every provider of secrets is: a place on the customer's side that has values by name. */
import { secretNameSchema } from "#protocol/secrets.ts";

export interface SecretProvider {
  /** Its kind, as it is told to the control plane. */
  readonly type: string;
  /**
   * The names that it has, without asking anybody far away.
   * @throws SecretFailure
   */
  list(): Promise<string[]>;
  /**
   * The value as it is now. Whoever calls bounds the time with the signal.
   * @throws SecretFailure
   */
  resolve(name: string, signal: AbortSignal): Promise<Buffer>;
}

/** Why there is no value, in a stable code and in words that hold nothing of it. */
export class SecretFailure extends Error {
  override readonly name = "SecretFailure";
  readonly code: "secret_missing" | "secret_denied" | "secret_failed";

  constructor(code: SecretFailure["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export function missing(name: string, where: string): SecretFailure {
  return new SecretFailure("secret_missing", `${where} has no secret "${name}"`);
}

export function isSecretName(name: string): boolean {
  return secretNameSchema.safeParse(name).success;
}
