import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expectText, oneCommand, requireOutput, SHELLS, type ShellName, settle } from "./arena.ts";
import type { Measurement } from "./measurement.ts";
import { alone, beside } from "./results.ts";

const CHUNKS = 10_000;
/** Nothing ever comes from descriptor 3, so reading from it is a pause that starts no process. */
const SCRIPT = `exec 3<> <(:)
for ((i = 1; i <= ${CHUNKS}; i++)); do
  echo "chunk $i"
  read -r -t 0.0002 -u 3
done
exit 0`;
const OUTPUT = expectText(Array.from({ length: CHUNKS }, (_, index) => `chunk ${index + 1}\n`).join(""));

/** Output that comes in very many small writes with pauses between them. */
export const smallChunks: Measurement = {
  title: "10,000 small chunks",
  rounds: 2,
  budgetMs: 40_000,
  async run({ folder, farhand, argv, spawner }, rounds) {
    const file = join(folder, "chunks.sh");
    writeFileSync(file, SCRIPT);
    const runbookId = await farhand.write(oneCommand("bash", SCRIPT));
    const rows: number[] = [];
    const ours = async () => {
      const run = await farhand.run(runbookId);
      requireOutput("Farhand", run, OUTPUT);
      rows.push(run.rows);
      await settle();
      return run.endMs;
    };
    const byShell = (name: ShellName) => {
      const command = argv(name, `exec bash ${file}`);
      if (!command) return undefined;
      return async () => {
        const report = await spawner.run(command);
        requireOutput(SHELLS[name], report, OUTPUT);
        return report.totalMs;
      };
    };
    const samples = await rounds.interleave({ ours, spawn: byShell("spawn"), shared: byShell("shared") });
    const measure = "10,000 small chunks";
    return {
      rows: [
        beside(measure, "ms", samples.ours ?? [], [SHELLS.spawn, samples.spawn]),
        beside(measure, "ms", samples.ours ?? [], [SHELLS.shared, samples.shared]),
        alone("10,000 small chunks, rows stored", "rows", rows),
      ],
    };
  },
};
