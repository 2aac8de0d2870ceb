/** The command line of the agent. */
import "./memory.ts";
import { commandHelp, help } from "./commands/help.ts";
import { COMMANDS } from "./commands/index.ts";
import { EXIT, Failure } from "./failure.ts";
import { invocation } from "./invocation.ts";
import { wordsOf } from "./log.ts";
import { AGENT_VERSION } from "./version.ts";

/** The oldest Node that has everything the agent uses. */
const NODE_LEAST = [22, 3] as const;

/** @returns the exit code */
async function main(args: string[]): Promise<number> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < NODE_LEAST[0] || (major === NODE_LEAST[0] && minor < NODE_LEAST[1])) {
    throw new Failure(
      `the agent needs Node ${NODE_LEAST.join(".")} or newer, and this is ${process.versions.node}: install that`,
      EXIT.config,
    );
  }
  const [first = "--help", second = ""] = args;
  if (first === "--help" || first === "-h" || first === "help") return print(await help());
  if (first === "--version" || first === "-v") return print(`${AGENT_VERSION}\n`);
  const name = Object.hasOwn(COMMANDS, `${first} ${second}`) ? `${first} ${second}` : first;
  const begun = commandsOf(first);
  if (begun.length > 0 && (second === "--help" || second === "-h")) return print(await commandHelp(begun));
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load) throw new Failure(unknownWords(first), EXIT.usage);
  const command = await load();
  const exitCode = await command.run(args.slice(name.split(" ").length), process.env);
  return exitCode ?? print(await commandHelp([name]));
}

function print(words: string): number {
  process.stdout.write(words);
  return EXIT.ok;
}

/** Those whose name has a second word after this one. */
function commandsOf(first: string): string[] {
  return Object.keys(COMMANDS).filter((name) => name.startsWith(`${first} `));
}

/** Says what may follow a word that is the first of two. */
function unknownWords(first: string): string {
  const names = commandsOf(first);
  if (names.length > 0) return `say which: ${names.join(", ")}`;
  return `there is no command "${first}"; see ${invocation()} --help`;
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
