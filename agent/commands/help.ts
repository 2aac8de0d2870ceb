/** What `--help` shows: of all commands, or of one. */
import { invocation } from "../invocation.ts";
import { AGENT_VERSION } from "../version.ts";
import type { Command } from "./command.ts";
import { COMMANDS } from "./index.ts";

type Named = Command & { name: string };

export async function help(): Promise<string> {
  const groups = await commandGroups();
  const usages = groups.map((group) => `${usageOf(group)}\n`);
  return `farhand-agent ${AGENT_VERSION}: remote hands for your runbooks

${usages.join("")}  farhand-agent --help | --version

Instead of flags:
${variablesOf(groups.flat())}
HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY lead the way to the control
plane; enroll keeps them for run.

Exit codes: 0 done, 1 it did not work, 2 it was asked for wrongly, 78 something
that trying again does not mend, such as a host that is not enrolled.
`;
}

/** @param names of commands, whose text may be told together with that of others */
export async function commandHelp(names: readonly string[]): Promise<string> {
  const groups = (await commandGroups()).filter((group) => group.some(({ name }) => names.includes(name)));
  return `${groups.map(usageOf).join("\n")}
Instead of flags:
${variablesOf(groups.flat().filter(({ name }) => names.includes(name)))}

All commands: ${invocation()} --help
`;
}

/** Commands that are told together: what they do stands below the last call of them. */
async function commandGroups(): Promise<Named[][]> {
  const groups: Named[][] = [];
  let isTold = true;
  for (const [name, load] of Object.entries(COMMANDS)) {
    const command = { name, ...(await load()) };
    if (isTold && command.usage !== "") groups.push([]);
    groups.at(-1)?.push(command);
    if (command.usage !== "") isTold = command.usage.includes("\n");
  }
  return groups;
}

function usageOf(group: readonly Named[]): string {
  return group.map(({ usage }) => (usage === "" ? "" : `  farhand-agent ${usage}\n`)).join("");
}

function variablesOf(commands: readonly Named[]): string {
  return inLines([...new Set(commands.flatMap(({ variables }) => variables))]);
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
