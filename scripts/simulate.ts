/** `npm run simulate`: the engine among crashes, losses and people, through as many seeds as asked for. */
import { parseArgs } from "node:util";
import { failureOf } from "../test/simulation/report.ts";
import { scenarioOf, simulate } from "../test/simulation/simulate.ts";
import { runCommand } from "./lib/command.ts";
import { EXIT, Problem } from "./lib/problem.ts";
import { elapsed, paint, say } from "./lib/terminal.ts";

const FAILURES_MAX = 5;
const PROGRESS_MS = 5_000;

const HELP = `npm run simulate -- [--seeds N] [--from S]

Drives the engine through simulated executions: random runbooks, with messages
lost, repeated and out of order, crashes, clocks that jump, and people who do
as they please. After every event the promises are checked. A failure prints
its seed and the smallest trace that shows it. docs/simulation.md says more.

  --seeds N   so many seeds (10000)
  --from S    the first of them (1)
  --help      this text
`;

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2));
  if (!options) return EXIT.ok;
  const { from, seeds } = options;
  const began = performance.now();
  const failures = new Map<number, string>();
  let events = 0;
  let told = began;
  let seed = from;
  for (; seed < from + seeds && failures.size < FAILURES_MAX; seed++) {
    const report = simulate(scenarioOf(seed));
    events += report.events;
    if (report.violation) failures.set(seed, failureOf(seed) ?? report.violation.message);
    if (performance.now() - told < PROGRESS_MS) continue;
    told = performance.now();
    say(paint("dim", `  ${seed - from + 1} of ${seeds}, ${elapsed(told - began)}`));
  }
  for (const failure of failures.values()) say(`\n${failure}`);
  const done = `${seed - from} seeds from ${from}, ${events} events, ${elapsed(performance.now() - began)}`;
  const mark = failures.size > 0 ? paint("red", "✗") : paint("green", "✓");
  say(
    `\n${mark} ${done}, ${failures.size === 0 ? "no failure" : `failed: ${[...failures.keys()].join(", ")}`}`,
  );
  return failures.size === 0 ? EXIT.ok : EXIT.failed;
});

/** Undefined when only the help was asked for, which is then printed. @throws Problem on wrong usage */
function readOptions(args: string[]): { from: number; seeds: number } | undefined {
  const values = parse(args);
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  return { from: numberOf("--from", values.from, 0), seeds: numberOf("--seeds", values.seeds, 1) };
}

function numberOf(name: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= least) return value;
  throw new Problem(`${name} must be a whole number from ${least}, not "${text}".`, EXIT.usage);
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        seeds: { type: "string", default: "10000" },
        from: { type: "string", default: "1" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new Problem(`${error instanceof Error ? error.message : error}\n\n${HELP}`, EXIT.usage);
  }
}
