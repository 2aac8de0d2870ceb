/** The command line of the agent. */
import "./memory.ts";
import { parseArgs } from "node:util";
import { COMMANDS, type Command } from "./commands/index.ts";
import type { Flags } from "./config.ts";
import { EXIT, Failure } from "./failure.ts";
import { invocation } from "./invocation.ts";
import { wordsOf } from "./log.ts";
import { AGENT_VERSION } from "./version.ts";

const USAGES = Object.values(COMMANDS).filter(({ usage }) => usage !== "");
const HELP = `farhand-agent ${AGENT_VERSION}: remote hands for your runbooks

${USAGES.map(({ usage }) => `  farhand-agent ${usage}\n${usage.includes("\n") ? "\n" : ""}`).join("")}  farhand-agent --help | --version

Instead of flags: FARHAND_URL, FARHAND_JOIN_TOKEN, FARHAND_NAME, FARHAND_SLOTS,
FARHAND_STATE_DIR, FARHAND_WORK_DIR, FARHAND_LOG_FORMAT, FARHAND_LOG_LEVEL,
FARHAND_CA, FARHAND_ROTATE_KEY_DAYS, FARHAND_POLICY, FARHAND_OWN_POLICY=true,
FARHAND_SECRETS_FILE. HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY lead the
way to the control plane; enroll keeps them for run.

Exit codes: 0 done, 1 it did not work, 2 it was asked for wrongly, 78 something
that trying again does not mend, such as a policy that cannot be read.
`;

/** The oldest Node that has everything the agent uses. */
const NODE_LEAST = [22, 3] as const;

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
  const name = Object.hasOwn(COMMANDS, `${first} ${second}`) ? `${first} ${second}` : first;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new Failure(unknownWords(first), EXIT.usage);
  const { flags, word } = readFlags(args.slice(name.split(" ").length), command);
  if (flags.help) return print(HELP);
  const exitCode = await command.run(flags, word);
  return typeof exitCode === "number" ? exitCode : EXIT.ok;
}

function print(words: string): number {
  process.stdout.write(words);
  return EXIT.ok;
}

/** Says what may follow a word that is the first of two. */
function unknownWords(first: string): string {
  const second = Object.keys(COMMANDS).flatMap((name) =>
    name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : [],
  );
  if (second.length > 0) return `say which: ${second.map((word) => `${first} ${word}`).join(", ")}`;
  return `there is no command "${first}"; see ${invocation()} --help`;
}

function readFlags(args: string[], { options, tooMany }: Command): { flags: Flags; word?: string } {
  try {
    const allowPositionals = tooMany !== undefined;
    const { values, positionals } = parseArgs({ args, options, allowPositionals });
    if (positionals.length > 1) throw new Error(tooMany);
    return { flags: values, word: positionals[0] };
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
