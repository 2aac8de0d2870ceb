/**
 * References to secrets. The control plane knows names, never values: agents
 * resolve them on their own hosts.
 */
import { z } from "zod";
import type { Block } from "./blocks/index.ts";

/** What a secret is called. Names stand in environments, files and URLs of providers, so they are kept plain. */
export const secretNameSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
  error: "a secret name is 1–63 lower-case letters, digits, dots, underscores and hyphens",
});

/** In the place of a text of a request: the secret, behind a few characters such as `Bearer `. */
export const secretValueSchema = z.strictObject({
  secret: secretNameSchema,
  prefix: z
    .string()
    .max(200)
    .regex(/^[^\0\r\n]*$/, { error: "a prefix has no line breaks" })
    .optional(),
});

/** How a command gets a secret: in a variable, or in a file whose path is in the variable. */
export const secretUseSchema = z.union([
  secretNameSchema,
  z.strictObject({ name: secretNameSchema, as: z.enum(["env", "file"]) }),
]);
export type SecretUse = z.infer<typeof secretUseSchema>;

/** Most bytes of one value, and the least without its last line break: a shorter one could not be taken out of output. */
export const SECRET_MAX_BYTES = 64 * 1024;
export const SECRET_MIN_BYTES = 6;

/** Why a value cannot be a secret, in words that go on from what it is; undefined when it can. */
export function secretValueProblem(value: Uint8Array): string | undefined {
  if (value.length > SECRET_MAX_BYTES) return `is over ${SECRET_MAX_BYTES / 1024} KiB`;
  if (value.length - lastBreakBytes(value) >= SECRET_MIN_BYTES) return undefined;
  return `is shorter than ${SECRET_MIN_BYTES} bytes: it could not be kept out of output without taking innocent text along`;
}

/** How long the line break is that files and programs end with; 0 for none. */
export function lastBreakBytes(value: Uint8Array): number {
  if (value.at(-1) !== 0x0a) return 0;
  return value.at(-2) === 0x0d ? 2 : 1;
}

/** Most secrets of one block. */
export const SECRETS_MAX = 32;

/** The kind of provider that has what people have sealed to an agent. */
export const SEALED_TYPE = "sealed";

/** Most secrets that an agent tells the names of. */
export const SECRETS_TOLD_MAX = 1_000;

/** A secret that an agent holds, as it tells of it: what it is called, and which kind of provider has it. */
export const heldSecretSchema = z.strictObject({ name: secretNameSchema, type: z.string().min(1).max(32) });
export type HeldSecret = z.infer<typeof heldSecretSchema>;
export const heldSecretsSchema = z.array(heldSecretSchema).max(SECRETS_TOLD_MAX);

/** The variable that is meant when only the secret is named: `db-password` is in `DB_PASSWORD`. */
export function variableOf(name: string): string {
  return name.toUpperCase().replaceAll(/[.-]/g, "_");
}

/** The secret's name, and whether it is given as a file. */
export function secretUse(use: SecretUse): { name: string; isFile: boolean } {
  return typeof use === "string"
    ? { name: use, isFile: false }
    : { name: use.name, isFile: use.as === "file" };
}

/** The names of the secrets that a block itself refers to, each once. */
export function secretsOf(block: Block): string[] {
  switch (block.kind) {
    case "command":
      return [...new Set(Object.values(block.secrets ?? {}).map((use) => secretUse(use).name))];
    case "api": {
      const values = [
        ...Object.values(block.query ?? {}),
        ...Object.values(block.headers ?? {}),
        ...(block.body === undefined ? [] : [block.body]),
      ];
      const names = values.flatMap((value) =>
        typeof value === "object" && "secret" in value ? [value.secret] : [],
      );
      return [...new Set(names)];
    }
    case "instruction":
    case "condition":
    case "timer":
    case "approval":
    case "parallel":
    case "foreach":
    case "runbook":
      return [];
    default:
      return block satisfies never;
  }
}
