/** The command line of the agent. */
import "./memory.ts";
import { allCommands, COMMANDS } from "./commands/index.ts";
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
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load) throw new Failure(unknownWords(first), EXIT.usage);
  const command = await load();
  const exitCode = await command.run(args.slice(name.split(" ").length), process.env);
  return exitCode ?? print(await help());
}

async function help(): Promise<string> {
  const commands = await allCommands();
  const usages = commands.flatMap(({ usage }) => (usage === "" ? [] : [usage]));
  const variables = new Set(commands.flatMap((command) => command.variables));
  return `farhand-agent ${AGENT_VERSION}: remote hands for your runbooks

${usages.map((usage) => `  farhand-agent ${usage}\n${usage.includes("\n") ? "\n" : ""}`).join("")}  farhand-agent --help | --version

Instead of flags:
${inLines([...variables])}
HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY lead the way to the control
plane; enroll keeps them for run.

Exit codes: 0 done, 1 it did not work, 2 it was asked for wrongly, 78 something
that trying again does not mend, such as a host that is not enrolled.
`;
}

/** Words for a terminal, indented, in lines of at most 80 characters. */
function inLines(words: string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const longer = `${lines.at(-1)}, ${word}`;
    if (lines.length > 0 && longer.length < 80) lines[lines.length - 1] = longer;
    else lines.push(`  ${word}`);
  }
  return lines.join(",\n");
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
