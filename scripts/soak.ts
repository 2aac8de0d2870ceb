/** `npm run soak`: many agents and a stream of executions under random faults, and accounts that have to be even. */
import { parseArgs } from "node:util";
import { isBalanced, lastLine } from "../test/soak/ledger.ts";
import { soak } from "../test/soak/soak.ts";
import { buildParts } from "./lib/build.ts";
import { runCommand } from "./lib/command.ts";
import { EXIT, Problem } from "./lib/problem.ts";
import { say } from "./lib/terminal.ts";

const HELP = `npm run soak -- [--minutes N] [--agents N] [--seed S]

Runs a control plane and real agents on this machine, starts executions without
pause, and makes trouble at random: kills and freezes agents, kills workerd,
cuts, blackens and slows networks, drops and repeats frames, cancels and pauses.
Then it waits for quiet and compares what was asked for, what ran, what was
acknowledged and what is stored. The last line is the ledger:

  started N, finished N, lost 0, duplicated 0, acknowledged N bytes, stored N bytes

  --minutes N   how long the trouble lasts (10)
  --agents N    how many agents (50)
  --seed S      which trouble is drawn (1); the timing of the machine still varies
  --help        this text

Exit codes: 0 the ledger is even, 1 it is not, 2 wrong usage.
`;

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2));
  if (!options) return EXIT.ok;
  await buildParts();
  const { ledger, troubles, states } = await soak({ ...options, say: (line) => say(`  ${line}`) });
  say(`\n${words(troubles)}\nexecutions: ${words(states)}`);
  for (const finding of ledger.findings) say(`✗ ${finding}`);
  say(`\n${lastLine(ledger)}`);
  return isBalanced(ledger) ? EXIT.ok : EXIT.failed;
});
// After so many sockets that were reset Node 26 may look for the end of one of them for ever, when it
// tidies up at its natural end. Everything is told, and nothing is left to tidy.
process.exit();

function words(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

/** Undefined when only the help was asked for, which is then printed. @throws Problem on wrong usage */
function readOptions(args: string[]): { minutes: number; agents: number; seed: number } | undefined {
  const values = parse(args);
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  return {
    minutes: numberOf("--minutes", values.minutes, 1_440),
    agents: numberOf("--agents", values.agents, 500),
    seed: numberOf("--seed", values.seed, 2 ** 31),
  };
}

function numberOf(name: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d{1,10}(\.\d+)?$/.test(text) && value > 0 && value <= most) return value;
  throw new Problem(`${name} must be a number above 0 and at most ${most}, not "${text}".`, EXIT.usage);
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        minutes: { type: "string", default: "10" },
        agents: { type: "string", default: "50" },
        seed: { type: "string", default: "1" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new Problem(`${error instanceof Error ? error.message : error}\n\n${HELP}`, EXIT.usage);
  }
}
