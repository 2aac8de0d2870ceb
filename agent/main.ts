/** The command line of the agent. */
import { parseArgs } from "node:util";
import { applyUpdate } from "./commands/applyUpdate.ts";
import { enroll } from "./commands/enroll.ts";
import { checkPolicy } from "./commands/policy.ts";
import { run } from "./commands/run.ts";
import { status } from "./commands/status.ts";
import { update } from "./commands/update.ts";
import { verifyRelease } from "./commands/verifyRelease.ts";
import {
  applyConfig,
  enrollConfig,
  type Flags,
  policyCheckConfig,
  runConfig,
  statusConfig,
  updateConfig,
  verifyConfig,
} from "./config.ts";
import { EXIT, Failure } from "./failure.ts";
import { invocation } from "./invocation.ts";
import { wordsOf } from "./log.ts";
import { AGENT_VERSION } from "./version.ts";

const HELP = `farhand-agent ${AGENT_VERSION}: remote hands for your runbooks

  farhand-agent enroll --url URL --token TOKEN [--name NAME] [--label KEY=VALUE]...
                       [--slots N] [--state DIR] [--force]
      Make a key on this host and join the token's pool.

  farhand-agent run [--state DIR] [--work-dir DIR] [--slots N]
                    [--log-format json|text] [--log-level debug|info|warn|error]
                    [--policy FILE] [--own-policy]
      Connect and work. SIGTERM or SIGINT stops it in order, a second one at once;
      SIGHUP reads the policy again.

  farhand-agent status [--state DIR] [--policy FILE] [--own-policy]
      Show who this agent is, its policy and what waits on its disk.

  farhand-agent policy check [PLAN.json] [--policy FILE] [--own-policy] [--user NAME] [--json]
      Say whether the policy can be used and, block by block, what it lets a plan
      do (- reads the plan from stdin) and why not. Exits with 0 when all may
      run, 1 when something may not, 2 when that cannot be told.

  farhand-agent update [--check | --now] [--trial-seconds N]
      Say which release is the newest, and whether the policy lets this agent become
      it. --now, as root, installs it whatever mode and window say; what runs is
      ended. It goes back by itself to the version before when it does not connect.

  farhand-agent apply-update [--installation DIR] [--units DIR] [--trial-seconds N]
      What root's updater (farhand-agent-update.service) runs when the agent asks.

  farhand-agent verify-release --manifest release.json --signature release.json.sig [--key KEY]
      Check a release against the key that this agent was built with, or another.

  farhand-agent --help | --version

Instead of flags: FARHAND_URL, FARHAND_JOIN_TOKEN, FARHAND_NAME, FARHAND_SLOTS,
FARHAND_STATE_DIR, FARHAND_WORK_DIR, FARHAND_LOG_FORMAT, FARHAND_LOG_LEVEL,
FARHAND_POLICY, FARHAND_OWN_POLICY=true, FARHAND_INSTALLATION, FARHAND_TRIAL_SECONDS.
`;

const text = { type: "string" } as const;
const common = {
  state: text,
  "log-format": text,
  "log-level": text,
  policy: text,
  "own-policy": { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

const COMMANDS = {
  enroll: {
    options: {
      ...common,
      ...{ url: text, token: text, name: text, slots: text },
      label: { type: "string", multiple: true },
      force: { type: "boolean" },
    },
    run: (flags: Flags) => enroll(enrollConfig(flags, process.env)),
  },
  run: {
    options: { ...common, slots: text, "work-dir": text },
    run: (flags: Flags) => run(runConfig(flags, process.env)),
  },
  status: {
    options: common,
    run: (flags: Flags) => status(statusConfig(flags, process.env)),
  },
  "policy check": {
    options: { ...common, json: { type: "boolean" }, user: text },
    operand: true,
    run: (flags: Flags, file?: string) => checkPolicy(policyCheckConfig(flags, process.env), file),
  },
  update: {
    options: {
      ...common,
      ...{ installation: text, units: text, "trial-seconds": text },
      check: { type: "boolean" },
      now: { type: "boolean" },
    },
    run: (flags: Flags) => update(updateConfig(flags, process.env)),
  },
  "apply-update": {
    options: { ...common, installation: text, units: text, "trial-seconds": text },
    run: (flags: Flags) => applyUpdate(applyConfig(flags, process.env)),
  },
  "verify-release": {
    options: { ...common, manifest: text, signature: text, key: text },
    run: (flags: Flags) => verifyRelease(verifyConfig(flags)),
  },
} as const;

/** The oldest Node that has everything the agent uses. */
const NODE_LEAST = [22, 2] as const;

/** @returns the exit code */
async function main(args: string[]): Promise<number> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < NODE_LEAST[0] || (major === NODE_LEAST[0] && minor < NODE_LEAST[1])) {
    throw new Failure(
      `the agent needs Node ${NODE_LEAST.join(".")} or newer, and this is ${process.versions.node}`,
    );
  }
  const [first = "--help", second = ""] = args;
  if (first === "--help" || first === "-h" || first === "help") return print(HELP);
  if (first === "--version" || first === "-v") return print(`${AGENT_VERSION}\n`);
  const name = isCommand(`${first} ${second}`) ? `${first} ${second}` : first;
  if (!isCommand(name)) {
    throw new Failure(`there is no command "${name}"; see ${invocation()} --help`, EXIT.usage);
  }
  const command = COMMANDS[name];
  const { flags, operands } = readFlags(args.slice(name.split(" ").length), command);
  if (flags.help) return print(HELP);
  return (await command.run(flags, operands[0])) ?? EXIT.ok;
}

function print(words: string): number {
  process.stdout.write(words);
  return EXIT.ok;
}

function isCommand(name: string): name is keyof typeof COMMANDS {
  return Object.hasOwn(COMMANDS, name);
}

type Command = (typeof COMMANDS)[keyof typeof COMMANDS];

/** Flags, and at most one word that is none where the command takes one. */
function readFlags(args: string[], command: Command): { flags: Flags; operands: string[] } {
  try {
    const allowPositionals = "operand" in command;
    const { values, positionals } = parseArgs({ args, options: command.options, allowPositionals });
    if (positionals.length > 1) throw new Error(`"${positionals[1]}" is one word too many`);
    return { flags: values, operands: positionals };
  } catch (error) {
    throw new Failure(`${wordsOf(error)}; see ${invocation()} --help`, EXIT.usage);
  }
}

main(process.argv.slice(2)).then(
  (exitCode) => process.exit(exitCode),
  (error) => {
    if (error instanceof Failure) {
      process.stderr.write(`farhand-agent: ${error.message}\n`);
      process.exit(error.exitCode);
    }
    process.stderr.write(`farhand-agent: unexpected failure: ${wordsOf(error)}\n`);
    process.exit(EXIT.failed);
  },
);
