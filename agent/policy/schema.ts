/**
 * What `policy.yaml` may say. Every key may be absent, and the description of
 * each says what that means; a file that says nothing is the default policy.
 * The JSON Schema in the docs is made from this.
 */
import { isIP } from "node:net";
import { z } from "zod";
import { CHUNK_MAX_BYTES, OUTPUT_MAX_BYTES, STEP_TIMEOUT_MAX_MS } from "#protocol/limits.ts";
import { releaseKeySchema } from "#protocol/release.ts";
import { compilePattern } from "#protocol/runbook/patterns.ts";
import { SHELL_DANGERS } from "#protocol/runbook/shellDanger.ts";
import { parseDuration, parseSize, printDuration, printSize } from "#protocol/runbook/units.ts";
import { UPDATE_MODES } from "#protocol/update.ts";
import { signatureRequirementSchema } from "../signatures/requirement.ts";
import { OPERATORS } from "./operators.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TIB = 1024 ** 4;

const globs = z.array(z.string().min(1).max(300)).max(1_000);

/** A pattern in RE2 syntax, compiled. */
const patternSchema = z.string().transform((source, context) => {
  const compiled = compilePattern(source);
  if (compiled.ok) return { source, ...compiled.pattern };
  context.addIssue({ code: "custom", message: `the pattern ${compiled.problem}` });
  return z.NEVER;
});

const HOST =
  /^(?:\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\d+(?:\.\d+){3}(?:\/\d+)?|\[[0-9a-f:.]+\](?:\/\d+)?)(?::\d{1,5})?$/i;

const HOST_WORDS =
  "a host is a name such as api.example.com, *.example.com for all below it, an address or a network such as 10.1.0.0/16 or [fd00::]/8, or * for any; a port may follow, as in example.com:8443";

const hostSchema = z
  .string()
  .max(300)
  .regex(HOST, { error: HOST_WORDS })
  .refine(isNameOrNetwork, { error: HOST_WORDS });

/** What looks like an address has to be one: a network that cannot be would never keep anybody out. */
function isNameOrNetwork(host: string): boolean {
  const [, v4, v6, length = "0"] = /^(?:([\d.]+)|\[([^\]]+)\])(?:\/(\d+))?(?::\d+)?$/.exec(host) ?? [];
  const address = v4 ?? v6;
  if (address === undefined) return true;
  return isIP(address) !== 0 && Number(length) <= (isIP(address) === 4 ? 32 : 128);
}

const folderSchema = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/, { error: "a working directory is an absolute path, such as /srv/app or /srv/**" });

const duration = (least: number, most: number) => {
  const range = `from ${printDuration(least)} to ${printDuration(most)}`;
  const error = `a time is written with its unit, like 30s, 15m or 1h30m, ${range}`;
  return z
    .string({ error })
    .meta({ examples: ["30s", "1h30m"] })
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= least && ms <= most) return ms;
      context.addIssue({ code: "custom", message: error });
      return z.NEVER;
    });
};

const size = (least: number, most: number) => {
  const range = `from ${printSize(least)} to ${printSize(most)}`;
  const error = `a size is written with its unit, like 64KiB, 512MiB or 2GiB, ${range}`;
  return z
    .string({ error })
    .meta({ examples: ["512MiB", "2GiB"] })
    .transform((text, context) => {
      const bytes = parseSize(text);
      if (bytes !== undefined && bytes >= least && bytes <= most) return bytes;
      context.addIssue({ code: "custom", message: error });
      return z.NEVER;
    });
};

const count = (most: number) => z.number().int().min(1).max(most);

const DAY = "(?:mon|tue|wed|thu|fri|sat|sun)";
const TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d";
const windowSchema = z.string().regex(new RegExp(`^(?:${DAY}(?:-${DAY})? )?${TIME}-${TIME}$`), {
  error: "a window is written like 02:00-04:00 or sat-sun 22:00-06:00, by this host's clock",
});

const scriptsSchema = z
  .strictObject({
    allow: z
      .array(patternSchema)
      .max(200)
      .optional()
      .describe(
        "RE2 patterns. A script has to match one of them from its first character to its last. Absent: any script.",
      ),
    deny: z
      .array(patternSchema)
      .max(200)
      .default([])
      .describe("RE2 patterns. No script may hold anything that one of them finds."),
    operators: z
      .array(z.enum([...OPERATORS, ...SHELL_DANGERS]))
      .default([])
      .describe("Shell operators and habits that no script may hold; looked for in every shell's scripts."),
  })
  .prefault({});

const environmentSchema = z
  .strictObject({
    protect: globs
      .default([])
      .describe("Names that no plan may set, besides those that are always protected."),
    allow: globs.default([]).describe("Names that a plan may set although they are protected."),
  })
  .prefault({});

const secretsSchema = z
  .array(
    z.strictObject({
      names: globs.min(1).describe("Names of secrets."),
      runbooks: globs.optional().describe("Ids or titles of the runbooks that may use them. Absent: any."),
    }),
  )
  .max(1_000);

const sealedSchema = z
  .strictObject({
    accept: globs
      .optional()
      .describe(
        "Names that may come in sealed. None that the host has from elsewhere ever does. Absent: any, and none where `requireSignature` asks for signatures.",
      ),
  })
  .prefault({});

const hostsSchema = z
  .strictObject({
    allow: z
      .array(hostSchema)
      .max(1_000)
      .optional()
      .describe("Hosts that may be asked. Absent: any in the networks below."),
    deny: z.array(hostSchema).max(1_000).default([]).describe("Hosts that may not; goes before `allow`."),
    networks: z
      .array(z.enum(["public", "private", "loopback", "metadata"]))
      .default(["public", "private", "loopback"])
      .describe(
        "Where the address of a host may lie. `metadata` is what clouds tell their machines, and other link-local addresses.",
      ),
  })
  .prefault({});

const toolkitsSchema = z
  .array(
    z.strictObject({
      name: z.string().min(1).max(300),
      digest: z
        .string()
        .regex(/^[0-9a-f]{64}$/, { error: "a digest is 64 hexadecimal digits in lower case" })
        .optional()
        .describe("SHA-256 of the bundle. Absent: any bundle of this name."),
    }),
  )
  .max(1_000);

const limitsSchema = z
  .strictObject({
    timeout: duration(1_000, STEP_TIMEOUT_MAX_MS)
      .optional()
      .describe("Of one step. A block that asks for more is refused."),
    memory: size(16 * MIB, 1024 * TIB)
      .optional()
      .describe("Of all processes of one step."),
    processes: count(1_000_000).optional().describe("Of one step, at once."),
    cpu: z
      .number()
      .min(0.01)
      .max(1_024)
      .optional()
      .describe("Processors that all processes of one step may keep busy; 1.5 is one and a half."),
    output: size(CHUNK_MAX_BYTES, OUTPUT_MAX_BYTES)
      .optional()
      .describe("Kept of the output of one step; what goes beyond is cut."),
    slots: count(1_024).optional().describe("Executions at once."),
    spool: size(CHUNK_MAX_BYTES, 1024 * TIB)
      .optional()
      .describe("Of all output that waits on this host to be sent."),
  })
  .prefault({});

const updateSchema = z
  .strictObject({
    mode: z
      .enum(UPDATE_MODES)
      .default("notify")
      .describe("Whether the agent may replace itself: never, only say that it could, or by itself."),
    window: windowSchema.optional().describe("When `auto` may happen. Absent: at any time."),
    spread: duration(0, DAY_MS)
      .default(30 * 60 * 1000)
      .describe("Each agent waits a random part of this first, so that not all of a pool are away at once."),
    pin: z
      .string()
      .regex(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/, { error: "a version is written like 1.4.2" })
      .optional()
      .describe("The only version that may be installed."),
    key: releaseKeySchema
      .optional()
      .describe("The key that has to have signed a release. Absent: the one that the agent was built with."),
  })
  .prefault({});

export const policySchema = z
  .strictObject({
    blocks: z
      .array(z.enum(["command", "api"]))
      .optional()
      .describe("Kinds of blocks that this host carries out. Absent: all."),
    interpreters: globs.optional().describe("Interpreters of scripts. Absent: any."),
    scripts: scriptsSchema,
    users: globs
      .optional()
      .describe("Accounts that steps may run as, the agent's own among them. Absent: any."),
    workingDirectories: z
      .array(folderSchema)
      .max(1_000)
      .optional()
      .describe(
        "Folders that blocks may name; links are followed first. `*` stands for any part of a name, `**` for any folders below. The folder of the execution itself is always allowed. Absent: any.",
      ),
    environment: environmentSchema,
    runbooks: globs.optional().describe("Ids or titles of runbooks. Absent: any."),
    secrets: secretsSchema
      .optional()
      .describe("Which runbooks may use which secrets: one entry has to allow it. Absent: any may use any."),
    sealed: sealedSchema.describe("Secrets that people seal to this agent from elsewhere."),
    hosts: hostsSchema.describe("Where requests of `api` blocks may go."),
    toolkits: toolkitsSchema
      .optional()
      .describe(
        "Toolkits that may run here. No plan can hold a step of a toolkit yet, so it decides nothing until then. Absent: any.",
      ),
    limits: limitsSchema,
    workdirs: z
      .strictObject({
        keep: z
          .enum(["never", "failed", "always"])
          .default("never")
          .describe("Whether the folder of an execution stays after its end, for people to look at."),
        for: duration(0, 7 * DAY_MS)
          .default(DAY_MS)
          .describe("How long it stays; a week at most."),
        size: size(MIB, 1024 * TIB)
          .default(GIB)
          .describe("Of all that stay; the oldest go first."),
      })
      .prefault({}),
    update: updateSchema,
    requireSignature: signatureRequirementSchema.prefault({ by: "none" }),
  })
  .meta({ title: "The policy of a Farhand agent" });

/** The rules, times in ms, sizes in bytes and patterns compiled, with defaults for what the file does not say. */
export type PolicyRules = z.output<typeof policySchema>;
