import {
  type Arena,
  expectText,
  oneCommand,
  requireOutput,
  SHELLS,
  type ShellName,
  settle,
} from "./arena.ts";
import type { Measurement } from "./measurement.ts";
import { type Bound, beside } from "./results.ts";

const SCRIPT = "echo hello";
const OUTPUT = expectText("hello\n");
const AIMS: Partial<Record<ShellName, Bound>> = { plain: { atMost: 0.1 }, shared: { atMost: 1 } };

/** From the request, or from the start of the program, until the first byte of output is there. */
export const firstOutput: Measurement = {
  title: "First output of a fresh execution",
  rounds: 60,
  budgetMs: 60_000,
  async run(arena, rounds) {
    const runbookId = await arena.farhand.write(oneCommand("sh", SCRIPT));
    const farhand = async () => {
      const run = await arena.farhand.run(runbookId);
      requireOutput("Farhand", run, OUTPUT);
      await settle();
      return run.firstOutputMs;
    };
    // The first of all pays for what every later one finds ready.
    await farhand();
    const samples = await rounds.interleave({
      farhand,
      spawn: byShell(arena, "spawn"),
      plain: byShell(arena, "plain"),
      tuned: byShell(arena, "tuned"),
      shared: byShell(arena, "shared"),
    });
    const names: ShellName[] = ["shared", "plain", "tuned", "spawn"];
    const rows = names.map((name) =>
      beside("first output", "ms", samples.farhand ?? [], [SHELLS[name], samples[name]], AIMS[name]),
    );
    return { rows };
  },
};

function byShell({ argv, spawner }: Arena, name: ShellName) {
  const command = argv(name, SCRIPT);
  if (!command) return undefined;
  return async () => {
    const report = await spawner.run(command);
    requireOutput(SHELLS[name], report, OUTPUT);
    return report.firstByteMs;
  };
}
