import { spawn } from "node:child_process";
import { z } from "zod";
import { SECRET_MAX_BYTES, secretNameSchema } from "#protocol/secrets.ts";
import { wordsOf } from "../log.ts";
import { STEP_PATH } from "../runners/environment.ts";
import { missing, SecretFailure, type SecretProvider } from "./provider.ts";

export const execConfigSchema = z.strictObject({
  type: z.literal("exec"),
  /** The program and its arguments; the secret's name comes behind them. */
  command: z
    .array(z.string())
    .min(1)
    .refine(([program]) => program?.startsWith("/"), { error: "the program is given by its absolute path" }),
  /** The names that it has. */
  secrets: z.array(secretNameSchema).min(1),
  /** Further environment of the program. */
  env: z.record(z.string(), z.string()).default({}),
});

/** A program that prints the secret whose name it is given. What it says besides is nobody's business. */
export class ExecProvider implements SecretProvider {
  readonly type = "exec";
  readonly #config: z.infer<typeof execConfigSchema>;

  constructor(config: z.infer<typeof execConfigSchema>) {
    this.#config = config;
  }

  async list(): Promise<string[]> {
    return this.#config.secrets;
  }

  async resolve(name: string, signal: AbortSignal): Promise<Buffer> {
    const { command, secrets, env } = this.#config;
    const [program = "", ...rest] = command;
    if (!secrets.includes(name)) throw missing(name, program);
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const fail = (words: string) => reject(new SecretFailure("secret_failed", `${program} ${words}`));
    const child = spawn(program, [...rest, name], {
      env: { PATH: STEP_PATH, ...env },
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
    const end = () => {
      child.stdout.destroy();
      // Its whole group: a program that hangs may have started others.
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, "SIGKILL");
      }
    };
    signal.addEventListener("abort", end, { once: true });
    const parts: Buffer[] = [];
    let bytes = 0;
    child.stdout.on("data", (part: Buffer) => {
      parts.push(part);
      bytes += part.length;
      if (bytes <= SECRET_MAX_BYTES) return;
      fail(`printed more than ${SECRET_MAX_BYTES / 1024} KiB`);
      end();
    });
    child.once("error", (error) => fail(`cannot be started: ${wordsOf(error)}`));
    child.once("close", (code, killedBy) => {
      if (code === 0) resolve(Buffer.concat(parts));
      else fail(code === null ? `was ended by ${killedBy}` : `ended with exit code ${code}`);
    });
    return promise.finally(() => signal.removeEventListener("abort", end));
  }
}
