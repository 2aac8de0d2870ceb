/**
 * What the agent is told by its command line and its environment, checked once.
 * A flag wins over its variable.
 */
import { hostname } from "node:os";
import { z } from "zod";
import { FACT_PREFIX } from "#protocol/blocks/common.ts";
import { secretNameSchema } from "#protocol/secrets.ts";
import { EXIT, Failure } from "./failure.ts";
import { LOG_FORMATS, LOG_LEVELS } from "./log.ts";
import { DEFAULT_POLICY_PATH, defaultStateDirectory } from "./paths.ts";
import type { PolicySource } from "./policy/load.ts";
import { DEFAULT_INSTALLATION } from "./update/installation.ts";
import { TRIAL_SECONDS } from "./update/trial.ts";

export type Environment = Record<string, string | undefined>;

const slotsSchema = z.coerce
  .number({ error: "slots must be a whole number from 1 to 1024" })
  .int({ error: "slots must be a whole number from 1 to 1024" })
  .min(1, { error: "slots must be at least 1" })
  .max(1024, { error: "slots must be at most 1024" });

/** The origin of a control plane: assertions are made out to it, so nothing else may stand in it. */
const urlSchema = z
  .string({ error: "say where the control plane is: --url https://…" })
  .transform((text, context) => {
    const url = URL.parse(text);
    const problem = urlProblem(url, text);
    if (!url || problem) {
      context.addIssue({ code: "custom", message: problem ?? "not a URL" });
      return z.NEVER;
    }
    return url.origin;
  });

function urlProblem(url: URL | null, text: string): string | undefined {
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return `"${text}" is not an address like https://farhand.example.com`;
  }
  if (url.username || url.password) return "the address of the control plane may not hold a password";
  if (url.pathname !== "/" || url.search || url.hash) {
    return `give the address of the control plane without a path: ${url.origin}`;
  }
  return undefined;
}

/** True for a host name, as URL has it, that never leaves this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

const labelSchema = z.string().transform((text, context) => {
  const [, key = "", value = ""] = /^([^=]{1,63})=(.{0,255})$/.exec(text) ?? [];
  if (key === "") {
    context.addIssue({ code: "custom", message: `"${text}" is not a label like region=eu` });
    return z.NEVER;
  }
  if (key.startsWith(FACT_PREFIX)) {
    const message = `"${text}": labels that begin with ${FACT_PREFIX} are what the agent finds out by itself; choose another name`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }
  return [key, value] as const;
});

const common = {
  policy: z.string().min(1).optional(),
  ownPolicy: z
    .stringbool({ error: "FARHAND_OWN_POLICY must be true or false" })
    .or(z.boolean())
    .default(false),
  state: z.string().min(1).optional(),
  logFormat: z.enum(LOG_FORMATS, { error: `log format must be ${LOG_FORMATS.join(" or ")}` }).default("json"),
  logLevel: z
    .enum(LOG_LEVELS, { error: `log level must be one of ${LOG_LEVELS.join(", ")}` })
    .default("info"),
};

const enrollSchema = z.object({
  ...common,
  url: urlSchema,
  token: z
    .string({ error: "an agent joins with a token: --token …, made in the web app under Agents" })
    .min(1)
    .max(200),
  name: z.string().trim().min(1, { error: "the name may not be empty" }).max(255).default(hostname()),
  label: z.array(labelSchema).default([]),
  slots: slotsSchema.default(4),
  ca: z.string().min(1).optional(),
  force: z.boolean().default(false),
});

const runSchema = z.object({
  ...common,
  secrets: z.string().min(1).optional(),
  slots: slotsSchema.optional(),
  workDir: z.string().min(1).optional(),
  ca: z.string().min(1).optional(),
  rotateKeyDays: z.coerce
    .number({ error: "rotate-key-days must be a whole number of days, 0 for never" })
    .int({ error: "rotate-key-days must be a whole number of days, 0 for never" })
    .min(0, { error: "rotate-key-days must be 0 or more" })
    .max(3_650, { error: "rotate-key-days must be at most 3650" })
    .default(90),
  installation: z.string().min(1).optional(),
});

const TRIAL_WORDS = "the time of a trial must be a number of seconds from 5 to 3600";
const applySchema = z.object({
  ...common,
  installation: z.string().min(1).default(DEFAULT_INSTALLATION),
  units: z.string().min(1).default("/etc/systemd/system"),
  trialSeconds: z.coerce
    .number({ error: TRIAL_WORDS })
    .int({ error: TRIAL_WORDS })
    .min(5, { error: TRIAL_WORDS })
    .max(3600, { error: TRIAL_WORDS })
    .default(TRIAL_SECONDS),
});
const updateSchema = applySchema.extend({
  ca: z.string().min(1).optional(),
  check: z.boolean().default(false),
  now: z.boolean().default(false),
});

const NAME_WORDS = "name the secret, as in: farhand-agent secrets set db-password";
const secretsSchema = z.object({
  ...common,
  secrets: z.string().min(1).optional(),
  verb: z.enum(["set", "list", "remove", "test"]),
  name: secretNameSchema.optional(),
});

const localSchema = z.object(common);
const statusSchema = localSchema.extend({ json: z.boolean().default(false) });
const doctorSchema = statusSchema.extend({ url: urlSchema.optional(), ca: z.string().min(1).optional() });
const drainSchema = localSchema.extend({ wait: z.boolean().default(false) });

const policyCheckSchema = z.object({
  ...common,
  json: z.boolean().default(false),
  user: z.string().min(1).optional(),
});

export type PolicyCheckConfig = z.infer<typeof policyCheckSchema>;
const verifySchema = z.object({
  manifest: z.string({ error: "say which list of files: --manifest release.json" }),
  signature: z.string({ error: "say where its signature is: --signature release.json.sig" }),
  key: z.string().optional(),
});

export type EnrollConfig = z.infer<typeof enrollSchema> & { state: string };
export type RunConfig = z.infer<typeof runSchema> & { state: string };
export type ApplyConfig = z.infer<typeof applySchema> & { state: string };
export type UpdateConfig = z.infer<typeof updateSchema> & { state: string };
export type VerifyConfig = z.infer<typeof verifySchema>;
export type SecretsConfig = z.infer<typeof secretsSchema> & { state: string };
export type LocalConfig = z.infer<typeof localSchema> & { state: string };
export type DoctorConfig = z.infer<typeof doctorSchema> & { state: string };
export type DrainConfig = z.infer<typeof drainSchema> & { state: string };
export type StatusConfig = z.infer<typeof statusSchema> & { state: string };

/** Flags as the command line has them; names with hyphens. */
export type Flags = Record<string, unknown>;

export function enrollConfig(flags: Flags, env: Environment): EnrollConfig {
  return withState(
    parse(enrollSchema, {
      ...commonInput(flags, env),
      url: flags.url ?? env.FARHAND_URL,
      token: flags.token ?? env.FARHAND_JOIN_TOKEN,
      name: flags.name ?? env.FARHAND_NAME,
      label: flags.label,
      slots: flags.slots ?? env.FARHAND_SLOTS,
      ca: flags.ca ?? env.FARHAND_CA,
      force: flags.force,
    }),
    env,
  );
}

export function runConfig(flags: Flags, env: Environment): RunConfig {
  return withState(
    parse(runSchema, {
      ...commonInput(flags, env),
      slots: flags.slots ?? env.FARHAND_SLOTS,
      workDir: flags["work-dir"] ?? env.FARHAND_WORK_DIR,
      secrets: flags.secrets ?? env.FARHAND_SECRETS_FILE,
      ca: flags.ca ?? env.FARHAND_CA,
      rotateKeyDays: flags["rotate-key-days"] ?? env.FARHAND_ROTATE_KEY_DAYS,
      installation: env.FARHAND_INSTALLATION,
    }),
    env,
  );
}

/** @param words what stands behind `secrets` on the command line */
export function secretsConfig(
  flags: Flags,
  verb: SecretsConfig["verb"],
  name: string | undefined,
  env: Environment,
): SecretsConfig {
  const secrets = flags.secrets ?? env.FARHAND_SECRETS_FILE;
  const config = withState(parse(secretsSchema, { ...commonInput(flags, env), secrets, verb, name }), env);
  if (config.name === undefined && (verb === "set" || verb === "remove"))
    throw new Failure(NAME_WORDS, EXIT.usage);
  return config;
}

export function applyConfig(flags: Flags, env: Environment): ApplyConfig {
  return withState(parse(applySchema, applyInput(flags, env)), env);
}

export function updateConfig(flags: Flags, env: Environment): UpdateConfig {
  const { check, now } = flags;
  if (check && now) throw new Failure("--check and --now are two things: choose one", EXIT.usage);
  return withState(
    parse(updateSchema, { ...applyInput(flags, env), ca: flags.ca ?? env.FARHAND_CA, check, now }),
    env,
  );
}

function applyInput(flags: Flags, env: Environment): Record<string, unknown> {
  return {
    ...commonInput(flags, env),
    installation: flags.installation ?? env.FARHAND_INSTALLATION,
    units: flags.units,
    trialSeconds: flags["trial-seconds"] ?? env.FARHAND_TRIAL_SECONDS,
  };
}

export function statusConfig(flags: Flags, env: Environment): StatusConfig {
  return withState(parse(statusSchema, { ...commonInput(flags, env), json: flags.json }), env);
}

export function localConfig(flags: Flags, env: Environment): LocalConfig {
  return withState(parse(localSchema, commonInput(flags, env)), env);
}

export function doctorConfig(flags: Flags, env: Environment): DoctorConfig {
  const own = { url: flags.url ?? env.FARHAND_URL, ca: flags.ca ?? env.FARHAND_CA, json: flags.json };
  return withState(parse(doctorSchema, { ...commonInput(flags, env), ...own }), env);
}

export function drainConfig(flags: Flags, env: Environment): DrainConfig {
  return withState(parse(drainSchema, { ...commonInput(flags, env), wait: flags.wait }), env);
}

export function policyCheckConfig(flags: Flags, env: Environment): PolicyCheckConfig {
  return parse(policyCheckSchema, { ...commonInput(flags, env), json: flags.json, user: flags.user });
}

/** Which file holds the policy, by flag, environment or custom. */
export function policySource({
  policy,
  ownPolicy,
}: {
  policy?: string | undefined;
  ownPolicy: boolean;
}): PolicySource {
  return { path: policy ?? DEFAULT_POLICY_PATH, isNamed: policy !== undefined, trustsOwn: ownPolicy };
}

export function verifyConfig(flags: Flags): VerifyConfig {
  return parse(verifySchema, flags);
}

function commonInput(flags: Flags, env: Environment): Record<string, unknown> {
  return {
    state: flags.state ?? env.FARHAND_STATE_DIR,
    policy: flags.policy ?? env.FARHAND_POLICY,
    ownPolicy: flags["own-policy"] ?? env.FARHAND_OWN_POLICY,
    logFormat: flags["log-format"] ?? env.FARHAND_LOG_FORMAT,
    logLevel: flags["log-level"] ?? env.FARHAND_LOG_LEVEL,
  };
}

function withState<T extends { state?: string | undefined }>(
  config: T,
  env: Environment,
): T & { state: string } {
  return { ...config, state: config.state ?? defaultStateDirectory(env, process.getuid?.() === 0) };
}

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new Failure(result.error.issues.map((issue) => issue.message).join("\n"), EXIT.usage);
}
