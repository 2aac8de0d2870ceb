import { z } from "zod";
import { SCRIPT_MAX_BYTES } from "../limits.ts";
import { SECRETS_MAX, secretUseSchema } from "../secrets.ts";
import { agentShape, commonShape, environmentNameSchema, outputNameSchema, valueSchema } from "./common.ts";

const utf8 = new TextEncoder();

/** Interpreters that fences are named after; a block may name any other that its agent has. */
export const FENCE_INTERPRETERS = ["bash", "sh", "python3", "node", "pwsh"] as const;

export const interpreterSchema = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._+-]{0,62}$/, {
  error: "an interpreter is the name of a program, such as bash or python3",
});

const absoluteFolder = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/, { error: "a working directory is an absolute path" });

/** A script that an agent runs. Parameters reach it as environment, never as text. */
export const commandFieldsSchema = z.strictObject({
  kind: z.literal("command"),
  ...commonShape,
  ...agentShape,
  interpreter: interpreterSchema,
  script: z
    .string()
    .min(1, { error: "a command block needs a script" })
    .refine((text) => utf8.encode(text).length <= SCRIPT_MAX_BYTES, {
      error: `a script may have at most ${SCRIPT_MAX_BYTES / 1024} KiB`,
    })
    .refine((text) => !text.includes("\0"), { error: "a script may not contain NUL bytes" }),
  env: z.record(environmentNameSchema, valueSchema).optional(),
  /** By variable: the secret that is in it, or whose file's path is. Agents resolve them; nobody else has values. */
  secrets: z
    .record(environmentNameSchema, secretUseSchema)
    .refine((uses) => Object.keys(uses).length > 0, { error: "name at least one secret, or leave this out" })
    .refine((uses) => Object.keys(uses).length <= SECRETS_MAX, {
      error: `a block may use at most ${SECRETS_MAX} secrets`,
    })
    .optional(),
  /** Where it runs; a folder of the execution when absent. */
  workingDirectory: absoluteFolder.optional(),
  /** As whom it runs; as the agent's own user when absent. */
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, { error: "a user is the name of an account on the host" })
    .optional(),
  stdin: valueSchema.optional(),
  /** Exit codes that mean success; 0 when absent. */
  exitCodes: z.array(z.number().int().min(0).max(255)).min(1).max(32).optional(),
  /** Names that the script writes to $FARHAND_OUTPUT and later blocks may use. */
  outputs: z.array(outputNameSchema).min(1).max(64).optional(),
});
