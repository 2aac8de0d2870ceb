/** Every command of `farhand-agent`: how it is called, what that means, and what carries it out. */
import type { ParseArgsOptionsConfig } from "node:util";
import {
  doctorConfig,
  drainConfig,
  enrollConfig,
  type Flags,
  localConfig,
  policyCheckConfig,
  runConfig,
  type SecretsConfig,
  secretsConfig,
  statusConfig,
  verifyConfig,
} from "../config.ts";

export interface Command {
  /** For the help: how it is called, and indented below it what it does; empty where another one tells. */
  usage: string;
  options: ParseArgsOptionsConfig;
  /** What is said about a word too many; the command takes one word that is no flag then, and none when absent. */
  tooMany?: string;
  /** Its exit code; 0 when it has none of its own. */
  run(flags: Flags, word: string | undefined): Promise<unknown> | unknown;
}

const text = { type: "string" } as const;
const yes = { type: "boolean" } as const;
const common = {
  ...{ state: text, "log-format": text, "log-level": text },
  help: { type: "boolean", short: "h" },
} as const;
const policy = { policy: text, "own-policy": yes } as const;
const env = process.env;

const secretsCommand = (verb: SecretsConfig["verb"], usage = ""): Command => ({
  usage,
  options: { ...common, secrets: text },
  tooMany: "a value is never given on the command line, where others can see it",
  run: async (flags, name) => (await import("./secrets.ts")).secrets(secretsConfig(flags, verb, name, env)),
});

export const COMMANDS: Readonly<Record<string, Command>> = {
  enroll: {
    usage: `enroll --url URL --token TOKEN [--name NAME] [--label KEY=VALUE]...
                       [--slots N] [--ca FILE] [--state DIR] [--force]
      Make a key on this host and join the token's pool.`,
    options: {
      ...common,
      ...{ url: text, token: text, name: text, slots: text, ca: text },
      label: { type: "string", multiple: true },
      force: yes,
    },
    run: async (flags) => (await import("./enroll.ts")).enroll(enrollConfig(flags, env)),
  },
  run: {
    usage: `run [--state DIR] [--work-dir DIR] [--slots N] [--ca FILE]
                    [--policy FILE] [--own-policy] [--secrets FILE] [--rotate-key-days N]
                    [--log-format json|text] [--log-level debug|info|warn|error]
      Connect and work. SIGTERM or SIGINT stops it in order, a second one at once;
      SIGHUP reads the policy again.`,
    options: {
      ...{ ...common, ...policy },
      ...{ slots: text, "work-dir": text, ca: text, secrets: text, "rotate-key-days": text },
    },
    run: async (flags) => (await import("./run.ts")).run(runConfig(flags, env)),
  },
  status: {
    usage: `status [--state DIR] [--policy FILE] [--own-policy] [--json]
      Show who this agent is, what it is doing, its policy and what waits on its disk.`,
    options: { ...common, ...policy, json: yes },
    run: async (flags) => (await import("./status.ts")).status(statusConfig(flags, env)),
  },
  doctor: {
    usage: `doctor [--state DIR] [--url URL] [--ca FILE] [--policy FILE] [--own-policy] [--json]
      Find what is wrong on this host and on the way to the control plane, and
      say what to do. Works before enroll, with --url.`,
    options: { ...common, ...policy, url: text, ca: text, json: yes },
    run: async (flags) => (await import("./doctor.ts")).doctor(doctorConfig(flags, env)),
  },
  drain: {
    usage: "drain [--state DIR] [--wait]",
    options: { ...common, wait: yes },
    run: async (flags) => (await import("./drain.ts")).drain(drainConfig(flags, env), true),
  },
  undrain: {
    usage: `undrain [--state DIR]
      Take no new work, also after a restart, and let what runs end; take it again.`,
    options: common,
    run: async (flags) => (await import("./drain.ts")).drain(drainConfig(flags, env), false),
  },
  "rotate-key": {
    usage: `rotate-key [--state DIR]
      Go over to a new key now.`,
    options: common,
    run: async (flags) => (await import("./rotateKey.ts")).rotateKey(localConfig(flags, env)),
  },
  "policy check": {
    usage: `policy check [PLAN.json] [--policy FILE] [--own-policy] [--user NAME] [--json]
      Say whether the policy can be used and, block by block, what it lets a plan
      do (- reads the plan from stdin) and why not. Exits with 0 when all may
      run, 1 when something may not, 2 when that cannot be told.`,
    options: { ...common, ...policy, json: yes, user: text },
    tooMany: "one plan is checked at a time",
    run: async (flags, file) =>
      (await import("./policy.ts")).checkPolicy(policyCheckConfig(flags, env), file),
  },
  "secrets set": secretsCommand("set", "secrets set|remove NAME [--state DIR]"),
  "secrets list": secretsCommand(
    "list",
    `secrets list|test [NAME] [--state DIR] [--secrets FILE]
      Keep secrets on this host, list the names of all that its providers have, and
      try whether they come. A value is read from stdin, or asked for; it is never shown.`,
  ),
  "secrets remove": secretsCommand("remove"),
  "secrets test": secretsCommand("test"),
  "verify-release": {
    usage: `verify-release --manifest release.json --signature release.json.sig [--key KEY]
      Check a release against the key that this agent was built with, or another.`,
    options: { ...common, manifest: text, signature: text, key: text },
    run: async (flags) => (await import("./verifyRelease.ts")).verifyRelease(verifyConfig(flags)),
  },
};
