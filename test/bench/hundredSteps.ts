import { expectText, requireOutput, SHELLS, type ShellName, settle } from "./arena.ts";
import type { Measurement } from "./measurement.ts";
import { beside } from "./results.ts";

const STEPS = 100;
const SCRIPT = "echo hello";
const OUTPUT = expectText("hello\n".repeat(STEPS));

/** One execution with many steps that do next to nothing, beside as many commands one after the other. */
export const hundredSteps: Measurement = {
  title: "100 trivial steps in one execution",
  rounds: 5,
  budgetMs: 30_000,
  async run({ farhand, argv, spawner }, rounds) {
    const fences = Array.from(
      { length: STEPS },
      (_, index) => `\`\`\`sh {name=step-${index}}\n${SCRIPT}\n\`\`\``,
    );
    const runbookId = await farhand.write(`# Bench\n\n${fences.join("\n\n")}\n`);
    const ours = async () => {
      const run = await farhand.run(runbookId);
      requireOutput("Farhand", run, OUTPUT);
      await settle();
      return run.endMs;
    };
    const byShell = (name: ShellName) => {
      const command = argv(name, SCRIPT);
      if (!command) return undefined;
      return async () => {
        const report = await spawner.run(command, { count: STEPS });
        requireOutput(SHELLS[name], report, OUTPUT);
        return report.totalMs;
      };
    };
    const samples = await rounds.interleave({ ours, spawn: byShell("spawn"), shared: byShell("shared") });
    const measure = "100 trivial steps";
    return {
      rows: [
        beside(measure, "ms", samples.ours ?? [], [SHELLS.spawn, samples.spawn], { atMost: 2.5 }),
        beside(measure, "ms", samples.ours ?? [], [SHELLS.shared, samples.shared]),
      ],
    };
  },
};
