/**
 * What `policy.yaml` may say. Every key may be absent, and the comment of each
 * says what that means; a file that says nothing is the default policy.
 */
import { z } from "zod";
import { CHUNK_MAX_BYTES, OUTPUT_MAX_BYTES, STEP_TIMEOUT_MAX_MS } from "#protocol/limits.ts";
import { compilePattern } from "#protocol/runbook/patterns.ts";
import { parseDuration, parseSize } from "#protocol/runbook/units.ts";
import { OPERATOR_NAMES } from "./operators.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const DAY = "(?:mon|tue|wed|thu|fri|sat|sun)";
const TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d";

/** Names, in which `*` stands for any characters. */
const globs = z.array(z.string().min(1).max(300)).max(1_000);

const patternSchema = z.string().superRefine((source, context) => {
  const compiled = compilePattern(source);
  if (!compiled.ok) context.addIssue({ code: "custom", message: `the pattern ${compiled.problem}` });
});

const HOST =
  /^(?:\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\d+(?:\.\d+){3}(?:\/\d+)?|\[[0-9a-f:.]+\](?:\/\d+)?)(?::\d{1,5})?$/i;

const hostSchema = z.string().max(300).regex(HOST, {
  error:
    "a host is a name such as api.example.com, *.example.com for all below it, an address or network such as 10.1.0.0/16 or [fd00::]/8, or * for any; a port may follow, as in example.com:8443",
});

const folderSchema = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/, {
    error:
      "a working directory is an absolute path; * stands for any part of a name, ** for any folders below",
  });

const duration = (least: number, most: number) =>
  z
    .string()
    .meta({ examples: ["30s", "1h30m"] })
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= least && ms <= most) return ms;
      context.addIssue({
        code: "custom",
        message: `a time such as 30s, 15m or 1h30m, from ${least / 1000} s to ${most / DAY_MS} days`,
      });
      return z.NEVER;
    });

const size = (least: number, most: number) =>
  z
    .string()
    .meta({ examples: ["512MiB", "2GiB"] })
    .transform((text, context) => {
      const bytes = parseSize(text);
      if (bytes !== undefined && bytes >= least && bytes <= most) return bytes;
      context.addIssue({
        code: "custom",
        message: `a size such as 64KiB, 512MiB or 2GiB, from ${least} to ${most} bytes`,
      });
      return z.NEVER;
    });

const count = (most: number) => z.number().int().min(1).max(most);

const windowSchema = z.string().regex(new RegExp(`^(?:${DAY}(?:-${DAY})? )?${TIME}-${TIME}$`), {
  error: "a window is written like 02:00-04:00 or sat-sun 22:00-06:00, by this host's clock",
});

export const policySchema = z
  .strictObject({
    /** Kinds of blocks that this host carries out; both when absent. */
    blocks: z.array(z.enum(["command", "api"])).optional(),
    /** Interpreters of scripts; any when absent. */
    interpreters: globs.optional(),
    scripts: z
      .strictObject({
        /** A script has to match one of these patterns from its first character to its last; any may run when absent. */
        allow: z.array(patternSchema).max(200).optional(),
        /** No script may hold anything that one of these patterns finds. */
        deny: z.array(patternSchema).max(200).default([]),
        /** Shell operators and habits that no shell script may hold. */
        operators: z.array(z.enum(OPERATOR_NAMES)).default([]),
      })
      .prefault({}),
    /** Accounts that steps may run as, the agent's own among them; any when absent. */
    users: globs.optional(),
    /** Folders that blocks may name, links resolved; any when absent. The folder of an execution is always allowed. */
    workingDirectories: z.array(folderSchema).max(1_000).optional(),
    environment: z
      .strictObject({
        /** Names that no plan may set, besides those that are always protected. */
        protect: globs.default([]),
        /** Names that a plan may set although they are protected. */
        allow: globs.default([]),
      })
      .prefault({}),
    /** Ids or titles of runbooks; any when absent. */
    runbooks: globs.optional(),
    /** Which runbooks may use which secrets: one of these rules has to allow it; any may use any when absent. */
    secrets: z
      .array(
        z.strictObject({
          names: globs.min(1),
          /** Ids or titles; any runbook when absent. */
          runbooks: globs.optional(),
        }),
      )
      .max(1_000)
      .optional(),
    /** Where requests of `api` blocks may go. */
    hosts: z
      .strictObject({
        /** Any when absent. */
        allow: z.array(hostSchema).max(1_000).optional(),
        deny: z.array(hostSchema).max(1_000).default([]),
        /** By where an address lies; `metadata` is link-local addresses and what clouds tell their machines. */
        networks: z
          .array(z.enum(["public", "private", "loopback", "metadata"]))
          .default(["public", "private", "loopback"]),
      })
      .prefault({}),
    /** Toolkits that may run here; any when absent. */
    toolkits: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(300),
          /** SHA-256 of the bundle, hex; any bundle of this name when absent. */
          digest: z
            .string()
            .regex(/^[0-9a-f]{64}$/, { error: "a digest is 64 hexadecimal digits in lower case" })
            .optional(),
        }),
      )
      .max(1_000)
      .optional(),
    limits: z
      .strictObject({
        /** Of one step, ms. */
        timeout: duration(1_000, STEP_TIMEOUT_MAX_MS).optional(),
        /** Of all processes of one step, bytes. */
        memory: size(16 * 1024 ** 2, 1024 ** 5).optional(),
        /** Of one step, at once. */
        processes: count(1_000_000).optional(),
        /** Of all processes of one step, in processors: 1.5 is one and a half. */
        cpu: z.number().min(0.01).max(1_024).optional(),
        /** Of one step, bytes. */
        output: size(CHUNK_MAX_BYTES, OUTPUT_MAX_BYTES).optional(),
        /** Executions at once. */
        slots: count(1_024).optional(),
        /** Of all output that waits on this host to be sent, bytes. */
        spool: size(CHUNK_MAX_BYTES, 1024 ** 5).optional(),
      })
      .prefault({}),
    workdirs: z
      .strictObject({
        /** How long the folder of an execution is kept after its end, ms. */
        keep: duration(0, 30 * DAY_MS).default(0),
      })
      .prefault({}),
    update: z
      .strictObject({
        mode: z.enum(["off", "notify", "auto"]).default("notify"),
        /** When `auto` may happen; at any time when absent. */
        window: windowSchema.optional(),
        /** The only version that may be installed. */
        pin: z
          .string()
          .regex(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/, { error: "a version is written like 1.4.2" })
          .optional(),
      })
      .prefault({}),
    /** Signatures that a plan has to carry. */
    requireSignature: z
      .strictObject({
        by: z.enum(["none", "author", "approver", "both"]).default("none"),
        /** Public keys that count. */
        keys: z.array(z.string().min(1).max(1_000)).max(1_000).default([]),
      })
      .prefault({}),
  })
  .meta({ id: "Policy", title: "Farhand agent policy" });

/** The rules, times in ms and sizes in bytes, with defaults for what the file does not say. */
export type PolicyRules = z.output<typeof policySchema>;

/** The rules where there is no file: whatever a plan asks for, with the environment names that are always protected. */
export const DEFAULT_RULES: PolicyRules = policySchema.parse({});
