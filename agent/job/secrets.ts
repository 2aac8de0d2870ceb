/** The secrets of one attempt: those that the policy has let through, resolved before anything is spawned, and given to its step alone. */
import type { ApiBlock, CommandBlock } from "#protocol/blocks/index.ts";
import type { StepInputs } from "#protocol/data.ts";
import { secretsOf, secretUse } from "#protocol/secrets.ts";
import { RunnerRefusal } from "../runners/refusal.ts";
import { environmentProblem, withoutLastBreak } from "../secrets/keeper.ts";
import { SecretFailure } from "../secrets/provider.ts";
import type { Host } from "./host.ts";

export interface GivenSecrets {
  /** By variable. */
  environment: Record<string, string>;
  /** By variable whose value will be the file's path. */
  files: ReadonlyMap<string, Uint8Array>;
}

type SecretHost = Pick<Host, "secrets">;
type Values = ReadonlyMap<string, Buffer>;

/** @throws RunnerRefusal for a secret that the block may not have, or that does not come */
export async function commandSecrets(
  block: CommandBlock,
  host: SecretHost,
  signal: AbortSignal,
): Promise<GivenSecrets> {
  const uses = Object.entries(block.secrets ?? {});
  const values = await resolveAll(secretsOf(block), host, signal);
  const environment: Record<string, string> = {};
  const files = new Map<string, Uint8Array>();
  for (const [variable, use] of uses) {
    const { name, isFile } = secretUse(use);
    const value = values.get(name) ?? Buffer.alloc(0);
    if (isFile) files.set(variable, value);
    else environment[variable] = textOf(name, value);
  }
  return { environment, files };
}

/**
 * The texts of a request with secrets in them, by place as inputs are.
 * @throws RunnerRefusal
 */
export async function requestSecrets(
  block: ApiBlock,
  host: SecretHost,
  signal: AbortSignal,
): Promise<StepInputs> {
  const values = await resolveAll(secretsOf(block), host, signal);
  const places = [
    ...Object.entries(block.query ?? {}).map(([name, value]) => [`query/${name}`, value] as const),
    ...Object.entries(block.headers ?? {}).map(([name, value]) => [`headers/${name}`, value] as const),
    ["body", block.body] as const,
  ];
  const inputs = places.flatMap(([place, value]): [string, string][] => {
    if (typeof value !== "object" || !("secret" in value)) return [];
    const text = textOf(value.secret, values.get(value.secret) ?? Buffer.alloc(0));
    return [[place, (value.prefix ?? "") + text]];
  });
  return Object.fromEntries(inputs);
}

async function resolveAll(
  names: readonly string[],
  { secrets }: SecretHost,
  signal: AbortSignal,
): Promise<Values> {
  const resolved = names.map(async (name) => [name, await secrets.resolve(name, signal)] as const);
  try {
    return new Map(await Promise.all(resolved));
  } catch (error) {
    if (error instanceof SecretFailure) refuse(error.code, error.message);
    throw error;
  }
}

function textOf(name: string, value: Buffer): string {
  const problem = environmentProblem(value);
  if (problem) refuse("secret_failed", `the secret "${name}" ${problem}`);
  return withoutLastBreak(value).toString("utf8");
}

function refuse(code: SecretFailure["code"], detail: string): never {
  throw new RunnerRefusal(code, detail);
}
