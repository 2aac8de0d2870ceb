/** `npm run bench`: measures Farhand beside other ways to run a command on this machine. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Arena, openArena } from "../test/bench/arena.ts";
import { type MeasurementName, measurements } from "../test/bench/index.ts";
import type { Measurement } from "../test/bench/measurement.ts";
import type { Finding, Row } from "../test/bench/results.ts";
import { Rounds } from "../test/bench/rounds.ts";
import { table } from "../test/bench/table.ts";
import { buildParts } from "./lib/build.ts";
import { runCommand } from "./lib/command.ts";
import { DIST, ROOT } from "./lib/paths.ts";
import { EXIT, Problem } from "./lib/problem.ts";
import { Shutdown } from "./lib/shutdown.ts";
import { elapsed, paint, say } from "./lib/terminal.ts";

const RESULTS_FILE = join(ROOT, "bench-results.json");
const NAMES = Object.keys(measurements) as MeasurementName[];

const HELP = `npm run bench -- [--only NAME]... [--rounds N]

Measures Farhand beside a raw spawn and beside ssh, contestants in turn, on
loopback. Takes a few minutes, stops by itself, and writes bench-results.json.
docs/benchmarks.md says what the rows mean.

  --only NAME   only this measurement; may be given more than once
  --rounds N    so many rounds of each, however long that takes
  --help        this text

Measurements:
${NAMES.map((name) => `  ${name.padEnd(19)}${measurements[name].title}${isOnlyWhenNamed(name) ? " (only when named)" : ""}`).join("\n")}
`;

interface BenchOptions {
  names: readonly MeasurementName[];
  rounds: number | undefined;
}

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2));
  if (!options) return EXIT.ok;
  const shutdown = new Shutdown();
  try {
    return await bench(options, shutdown);
  } catch (error) {
    // What breaks because we are stopping is no failure of its own.
    if (!shutdown.asked) throw error;
    return EXIT.stopped;
  } finally {
    await shutdown.run();
  }
});

async function bench(options: BenchOptions, shutdown: Shutdown): Promise<number> {
  const began = performance.now();
  await buildParts(["agent", "worker"]);
  shutdown.throwIfAsked();
  warnIfBusy();
  // Not below the system's folder for temporary files, which may be memory: durable has to mean a disk.
  await mkdir(DIST, { recursive: true });
  const folder = await mkdtemp(join(DIST, "bench-"));
  shutdown.add(() => rm(folder, { recursive: true, force: true }));
  const startedAt = new Date();
  const loadBefore = loadavg()[0];
  const arena = await openArena(folder, shutdown);
  const findings: Partial<Record<MeasurementName, Finding>> = {};
  for (const name of options.names) findings[name] = await measure(name, arena, options, shutdown);
  const rows = Object.values(findings).flatMap((finding) => finding.rows);
  say(`\n${table(rows)}\n`);
  for (const note of Object.values(findings).flatMap(({ notes = [] }) => notes))
    say(paint("dim", `  ${note}`));
  const results = { startedAt, machine: { ...machine(), loadBefore }, commit: commit(), findings };
  await writeFile(RESULTS_FILE, `${JSON.stringify(results, null, 2)}\n`);
  say(`\n${summary(rows)} Took ${elapsed(performance.now() - began)}; all of it is in ${RESULTS_FILE}`);
  return EXIT.ok;
}

async function measure(
  name: MeasurementName,
  arena: Arena,
  { rounds }: BenchOptions,
  { signal }: Shutdown,
): Promise<Finding> {
  const measurement: Measurement = measurements[name];
  say(`${paint("cyan", "▸")} ${measurement.title}`);
  const count = rounds ?? measurement.rounds;
  const budgetMs = rounds === undefined ? measurement.budgetMs : Number.POSITIVE_INFINITY;
  return measurement.run(arena, new Rounds({ count, budgetMs, signal }));
}

/** Aims are for people to look at; a machine that is busy fails nobody's build. */
function summary(rows: readonly Row[]): string {
  const judged = rows.filter((row) => row.aim?.met !== undefined);
  return `${judged.filter((row) => row.aim?.met).length} of ${judged.length} aims met.`;
}

function warnIfBusy(): void {
  const load = loadavg()[0] ?? 0;
  if (load < availableParallelism() / 2) return;
  say(
    paint(
      "yellow",
      `! This machine is busy (load ${load.toFixed(1)}): ratios say more than numbers, and little.`,
    ),
  );
}

function machine() {
  const memoryMiB = Math.round(totalmem() / 2 ** 20);
  return {
    cpu: cpus()[0]?.model,
    cpus: availableParallelism(),
    memoryMiB,
    kernel: release(),
    node: process.version,
  };
}

/** Undefined outside a clone. */
function commit(): string | undefined {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], { cwd: ROOT, encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return undefined;
  }
}

/** Undefined when only the help was asked for, which is then printed. @throws Problem on wrong usage */
function readOptions(args: string[]): BenchOptions | undefined {
  const values = parse(args);
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1 && rounds <= 100_000)) {
    throw new Problem(`--rounds must be a whole number from 1, not "${values.rounds}".`, EXIT.usage);
  }
  const wanted = values.only ?? NAMES.filter((name) => !isOnlyWhenNamed(name));
  const unknown = wanted.find((name) => !NAMES.some((known) => known === name));
  if (unknown !== undefined) {
    throw new Problem(`There is no measurement "${unknown}". Choose from ${NAMES.join(", ")}.`, EXIT.usage);
  }
  return { names: NAMES.filter((name) => wanted.includes(name)), rounds };
}

function isOnlyWhenNamed(name: MeasurementName): boolean {
  const measurement: Measurement = measurements[name];
  return measurement.onlyWhenNamed === true;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: "string", multiple: true },
        rounds: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new Problem(`${error instanceof Error ? error.message : error}\n\n${HELP}`, EXIT.usage);
  }
}
