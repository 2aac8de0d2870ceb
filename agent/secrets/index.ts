/** The kinds of providers, and the file that says which of them this host has: /etc/farhand/secrets.yaml. */
import { statSync } from "node:fs";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Environment } from "../config.ts";
import { EXIT, Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import { wordsOf } from "../log.ts";
import { readBounded, WRITTEN_MAX_BYTES } from "../reading.ts";
import { parseYamlFile } from "../yamlFile.ts";
import { EnvProvider, envConfigSchema } from "./env.ts";
import { ExecProvider, execConfigSchema } from "./exec.ts";
import { FileProvider, fileConfigSchema } from "./file.ts";
import type { SecretProvider } from "./provider.ts";
import type { SecretStore } from "./store.ts";
import { systemdProvider } from "./systemd.ts";
import { VaultProvider, vaultConfigSchema } from "./vault.ts";

export const SECRETS_FILE = "/etc/farhand/secrets.yaml";

/** An empty file names none. */
const configSchema = z.strictObject({
  providers: z
    .array(
      z.discriminatedUnion("type", [envConfigSchema, fileConfigSchema, execConfigSchema, vaultConfigSchema]),
    )
    .max(50)
    .default([]),
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
 * @throws Failure (2) for a file that cannot be used
 */
export function openProviders({ file, env, clock, store, sealed }: ProvidersOptions): SecretProvider[] {
  const { providers } = readProviders(file);
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

/**
 * What the file says, which is not yet whether values come.
 * @param file the usual one, which may be missing, when absent
 * @throws Failure (2) for a file that cannot be used
 */
export function readProviders(file: string | undefined): z.infer<typeof configSchema> {
  const path = file ?? SECRETS_FILE;
  let bytes: Buffer;
  try {
    const { uid, mode } = statSync(path);
    const isOwn = uid === 0 || uid === process.getuid?.();
    if (!isOwn || (mode & 0o022) !== 0) {
      throw unusable(
        `${path} says where secrets come from, and others may write it: chown root and chmod 640 it`,
      );
    }
    bytes = readBounded(path, { what: path, maxBytes: WRITTEN_MAX_BYTES });
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (file === undefined && errorCode(error) === "ENOENT") return { providers: [] };
    throw unusable(readWords(error, path));
  }
  const parsed = parseYamlFile(bytes, path, configSchema, "the file of secret providers");
  if (parsed.ok) return parsed.data;
  throw unusable(["the secret providers cannot be used:", ...parsed.problems].join("\n  "));
}

function readWords(error: unknown, path: string): string {
  switch (errorCode(error)) {
    case "ENOENT":
      return `there are no secret providers at ${path}: write the file, or leave --secrets out`;
    case "EACCES":
      return `${path} cannot be read by the user that the agent runs as: chgrp it to that user's group and chmod 640 it`;
    default:
      return `${path} cannot be read: ${wordsOf(error)}`;
  }
}

function unusable(words: string): Failure {
  return new Failure(words, EXIT.usage);
}
