/** `npm run soak`: many agents and a stream of executions under random faults, and accounts that have to be even. */
import { parseArgs } from "node:util";
import { isBalanced, lastLine } from "../test/soak/ledger.ts";
import { type SoakReport, soak } from "../test/soak/soak.ts";
import { buildParts } from "./lib/build.ts";
import { runCommand } from "./lib/command.ts";
import { EXIT, Problem } from "./lib/problem.ts";
import { Shutdown } from "./lib/shutdown.ts";
import { say } from "./lib/terminal.ts";

const HELP = `npm run soak -- [--minutes N] [--agents N] [--seed S]

Runs a control plane and real agents on this machine, each with a policy and
secrets of its own, starts executions without pause, and makes trouble: kills,
freezes, drains and restarts agents, changes their keys, policies and secrets,
kills workerd, cuts, blackens, halves and slows networks, drops, repeats and
swaps frames, cancels and pauses. Then it waits for quiet and compares what was
asked for, what ran, what was acknowledged and what is stored, and looks for
secrets in all of it. The last line is the ledger:

  started N, finished N, lost 0, duplicated 0, acknowledged N bytes, stored N bytes

  --minutes N   how long the trouble lasts (10)
  --agents N    how many agents (50)
  --seed S      which trouble comes when, and what is started in which order (1);
                the timing of the machine still varies
  --help        this text

Exit codes: 0 the ledger is even, 1 it is not (what is wrong is listed, and the
data and logs are kept), 2 wrong usage, 130 stopped by a signal.
`;

/** More findings say nothing new. */
const FINDINGS_MAX = 50;

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2));
  if (!options) return EXIT.ok;
  const shutdown = new Shutdown();
  try {
    await buildParts();
    shutdown.throwIfAsked();
    return tell(await soak({ ...options, say: (line) => say(`  ${line}`) }, shutdown));
  } catch (error) {
    // What breaks because we are stopping is no failure of its own.
    if (!shutdown.asked) throw error;
    return EXIT.stopped;
  } finally {
    await shutdown.run();
  }
});
// After so many sockets that were reset Node 26 may look for the end of one of them for ever, when it
// tidies up at its natural end. Everything is told, and nothing is left to tidy.
process.exit();

/** @returns the exit code */
function tell({ ledger, troubles, states, outcomes, folder }: SoakReport): number {
  say(`\n${words(troubles)}\nexecutions: ${words(states)}\nsteps: ${words(outcomes)}`);
  const isEven = isBalanced(ledger);
  for (const finding of ledger.findings.slice(0, FINDINGS_MAX)) say(`✗ ${finding}`);
  const more = ledger.findings.length - FINDINGS_MAX;
  if (more > 0) say(`✗ and ${more} more`);
  if (!isEven) say(`\nThe data and the logs of the agents are in ${folder}`);
  say(`\n${lastLine(ledger)}`);
  return isEven ? EXIT.ok : EXIT.failed;
}

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
