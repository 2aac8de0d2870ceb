/** The kinds of providers, and the file that says which of them this host has: /etc/farhand/secrets.yaml. */
import { readFileSync, statSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Environment } from "../config.ts";
import { Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import { EnvProvider, envConfigSchema } from "./env.ts";
import { ExecProvider, execConfigSchema } from "./exec.ts";
import { FileProvider, fileConfigSchema } from "./file.ts";
import type { SecretProvider } from "./provider.ts";
import type { SecretStore } from "./store.ts";
import { systemdProvider } from "./systemd.ts";
import { VaultProvider, vaultConfigSchema } from "./vault.ts";

export const SECRETS_FILE = "/etc/farhand/secrets.yaml";

const configSchema = z.strictObject({
  providers: z
    .array(
      z.discriminatedUnion("type", [envConfigSchema, fileConfigSchema, execConfigSchema, vaultConfigSchema]),
    )
    .max(50),
});

export interface ProvidersOptions {
  /** The file; the usual one may be missing when absent. */
  file: string | undefined;
  env: Environment;
  clock: Clock;
  store: SecretStore;
  /** What people have sealed to this agent. */
  sealed: SecretStore;
}

/**
 * The providers of this host, in the order in which they are asked: those of
 * the file, systemd's credentials, the agent's own store, and what came in sealed.
 * @throws Failure for a file that cannot be used
 */
export function openProviders({ file, env, clock, store, sealed }: ProvidersOptions): SecretProvider[] {
  const { providers } = readConfig(file ?? SECRETS_FILE, file === undefined);
  const configured = providers.map((config): SecretProvider => {
    switch (config.type) {
      case "env":
        return new EnvProvider(config, env);
      case "file":
        return new FileProvider(config);
      case "exec":
        return new ExecProvider(config);
      case "vault":
        return new VaultProvider(config, env, clock);
      default:
        return config satisfies never;
    }
  });
  const systemd = systemdProvider(env);
  return [...configured, ...(systemd ? [systemd] : []), store, sealed];
}

function readConfig(path: string, mayBeMissing: boolean): z.infer<typeof configSchema> {
  let text: string;
  try {
    const { uid, mode } = statSync(path);
    const isOwn = uid === 0 || uid === process.getuid?.();
    if (!isOwn || (mode & 0o022) !== 0) {
      throw new Failure(
        `${path} says where secrets come from, and others may write it: chown root and chmod 640 it`,
      );
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (mayBeMissing && errorCode(error) === "ENOENT") return { providers: [] };
    throw new Failure(`cannot read ${path} (${errorCode(error)})`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw new Failure(`${path}:${line}:${col}: this is no YAML: ${broken.message.split("\n", 1)[0]}`);
  }
  const result = configSchema.safeParse(document.toJS() ?? { providers: [] });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const node = issue && document.getIn(issue.path, true);
  const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
  const at = Array.isArray(range) ? lines.linePos(Number(range[0])) : { line: 1, col: 1 };
  throw new Failure(
    `${path}:${at.line}:${at.col}: ${issue?.path.join(".") || "the file"}: ${issue?.message}`,
  );
}
