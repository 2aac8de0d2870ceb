/** The command line of the agent. */
import { parseArgs } from "node:util";
import { enroll } from "./commands/enroll.ts";
import { run } from "./commands/run.ts";
import { status } from "./commands/status.ts";
import { enrollConfig, type Flags, runConfig, statusConfig } from "./config.ts";
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
      Connect and work. SIGTERM or SIGINT stops it in order, a second one at once.

  farhand-agent status [--state DIR]
      Show who this agent is and what waits on its disk.

  farhand-agent --help | --version

Instead of flags: FARHAND_URL, FARHAND_JOIN_TOKEN, FARHAND_NAME, FARHAND_SLOTS,
FARHAND_STATE_DIR, FARHAND_WORK_DIR, FARHAND_LOG_FORMAT, FARHAND_LOG_LEVEL.
`;

const text = { type: "string" } as const;
const common = {
  state: text,
  "log-format": text,
  "log-level": text,
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
} as const;

/** The oldest Node that has everything the agent uses. */
const NODE_LEAST = [22, 3] as const;

async function main(args: string[]): Promise<void> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < NODE_LEAST[0] || (major === NODE_LEAST[0] && minor < NODE_LEAST[1])) {
    throw new Failure(
      `the agent needs Node ${NODE_LEAST.join(".")} or newer, and this is ${process.versions.node}`,
    );
  }
  const [name = "--help", ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(HELP);
    return;
  }
  if (name === "--version" || name === "-v") {
    process.stdout.write(`${AGENT_VERSION}\n`);
    return;
  }
  if (!isCommand(name)) {
    throw new Failure(`there is no command "${name}"; see ${invocation()} --help`, EXIT.usage);
  }
  const command = COMMANDS[name];
  const flags = readFlags(rest, command.options);
  if (flags.help) process.stdout.write(HELP);
  else await command.run(flags);
}

function isCommand(name: string): name is keyof typeof COMMANDS {
  return Object.hasOwn(COMMANDS, name);
}

function readFlags(args: string[], options: (typeof COMMANDS)[keyof typeof COMMANDS]["options"]): Flags {
  try {
    return parseArgs({ args, options, allowPositionals: false }).values;
  } catch (error) {
    throw new Failure(`${wordsOf(error)}; see ${invocation()} --help`, EXIT.usage);
  }
}

main(process.argv.slice(2)).then(
  () => process.exit(EXIT.ok),
  (error) => {
    if (error instanceof Failure) {
      process.stderr.write(`farhand-agent: ${error.message}\n`);
      process.exit(error.exitCode);
    }
    process.stderr.write(`farhand-agent: unexpected failure: ${wordsOf(error)}\n`);
    process.exit(EXIT.failed);
  },
);
