import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Expected, oneCommand, requireOutput, SHELLS, type ShellName, settle } from "./arena.ts";
import { watchEventLoop } from "./eventLoop.ts";
import type { Measurement } from "./measurement.ts";
import { residentMemory, watchMemory } from "./processes.ts";
import { alone, beside } from "./results.ts";
import { view } from "./viewer.ts";

const LINES = 1_000_000;
const LINE_BYTES = 100;
const MEGABYTES = (LINES * LINE_BYTES) / 1e6;

/** Much output, stored and delivered to a viewer, who checks every byte. */
export const hundredMegabytes: Measurement = {
  title: "100 MB of 100-byte lines, stored and delivered to a viewer",
  rounds: 3,
  budgetMs: 40_000,
  async run({ folder, farhand, agent, workerdPid, argv, spawner }, rounds) {
    const file = join(folder, "lines");
    const expected = writeLines(file);
    const script = `cat ${file}`;
    const runbookId = await farhand.write(oneCommand("sh", script, "output=256MiB"));
    // All rounds are held against what was there before the first: memory that is kept counts each time.
    const before = { workerd: residentMemory(workerdPid), agent: residentMemory(agent.pid) };
    const workerdGrowth: number[] = [];
    const agentGrowth: number[] = [];
    const utilization: number[] = [];
    const loopDelay: number[] = [];
    const ours = async () => {
      const memory = watchMemory({ workerd: workerdPid, agent: agent.pid });
      const began = performance.now();
      const { result, eventLoop } = await watchEventLoop(agent, folder, async () => {
        const viewed = await view(farhand, await farhand.trigger(runbookId));
        return { viewed, seconds: (performance.now() - began) / 1e3 };
      });
      const peak = memory();
      requireOutput("Farhand", result.viewed, expected);
      workerdGrowth.push(peak.workerd - before.workerd);
      agentGrowth.push(peak.agent - before.agent);
      utilization.push(eventLoop.utilization * 100);
      loopDelay.push(eventLoop.delayP99Ms);
      await settle();
      return MEGABYTES / result.seconds;
    };
    const byShell = (name: ShellName) => {
      const command = argv(name, script);
      if (!command) return undefined;
      return async () => {
        const report = await spawner.run(command);
        requireOutput(SHELLS[name], report, expected);
        return MEGABYTES / (report.totalMs / 1e3);
      };
    };
    const samples = await rounds.interleave({
      ours,
      spawn: byShell("spawn"),
      plain: byShell("plain"),
      shared: byShell("shared"),
    });
    const measure = "100 MB to a viewer";
    const delivered = samples.ours ?? [];
    return {
      rows: [
        beside(measure, "MB/s", delivered, [SHELLS.plain, samples.plain], { atLeast: 0.7 }),
        beside(measure, "MB/s", delivered, [SHELLS.shared, samples.shared]),
        beside(measure, "MB/s", delivered, [SHELLS.spawn, samples.spawn]),
        alone("100 MB, workerd grows by", "MB", workerdGrowth, { atMost: 64 }),
        alone("100 MB, the agent grows by", "MB", agentGrowth),
        alone("100 MB, agent's event loop busy", "%", utilization),
        alone("100 MB, agent's event loop, p99 delay", "ms", loopDelay),
      ],
    };
  },
};

/** Numbered, so that a line in the wrong place shows. */
function writeLines(file: string): Expected {
  const descriptor = openSync(file, "w");
  const hash = createHash("sha256");
  const block = 10_000;
  for (let first = 0; first < LINES; first += block) {
    const lines = Array.from(
      { length: block },
      (_, index) => `${String(first + index).padStart(LINE_BYTES - 1, ".")}\n`,
    ).join("");
    writeSync(descriptor, lines);
    hash.update(lines);
  }
  closeSync(descriptor);
  return { bytes: LINES * LINE_BYTES, sha256: hash.digest("hex") };
}
