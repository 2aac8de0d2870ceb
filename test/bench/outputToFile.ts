import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { oneCommand, settle } from "./arena.ts";
import type { Measurement } from "./measurement.ts";
import { beside } from "./results.ts";

const BYTES = 256 * 1024 * 1024;
/** Lines of text, as fast as a pipe takes them. */
const PRINT = `yes "$(printf %099d 7)" | head -c ${BYTES}`;
const LOOK_MS = 5;

/**
 * How long a script is held up by whoever reads what it prints: an agent that
 * spools it, or `cat` that puts it into a file. Once while the control plane
 * takes the output, and once while it is stopped and the spool takes it all.
 */
export const outputToFile: Measurement = {
  title: "256 MiB of output read and spooled, beside cat into a file",
  rounds: 5,
  budgetMs: 40_000,
  async run({ folder, farhand, workerdPid, spawner }, rounds) {
    const gate = join(folder, "gate");
    const report = join(folder, "printed-in");
    const file = join(folder, "cat-output");
    // What the shell measures begins with printing, not with the process.
    const timed = `a=$(date +%s%N); ${PRINT}; b=$(date +%s%N); echo $(((b - a) / 1000)) > ${report}.new; mv ${report}.new ${report}`;
    const script = `until [ -e ${gate} ]; do sleep 0.01; done; ${timed}`;
    const runbookId = await farhand.write(oneCommand("sh", script, "output=512MiB"));
    const takeReport = async (): Promise<number> => {
      while (!existsSync(report)) await wait(LOOK_MS);
      const microseconds = Number(readFileSync(report, "utf8"));
      rmSync(report);
      return microseconds / 1e3;
    };
    const spooled = async (isStopped: boolean): Promise<number> => {
      rmSync(gate, { force: true });
      const id = await farhand.trigger(runbookId);
      await farhand.untilAllAre("running", [id]);
      if (isStopped) process.kill(workerdPid, "SIGSTOP");
      writeFileSync(gate, "");
      try {
        return await takeReport();
      } finally {
        process.kill(workerdPid, "SIGCONT");
        await farhand.untilAllAre("succeeded", [id]);
        await settle();
      }
    };
    const samples = await rounds.interleave({
      alone: () => spooled(true),
      sent: () => spooled(false),
      cat: async () => {
        await spawner.run(["sh", "-c", `{ ${timed}; } | cat > '${file}'`]);
        rmSync(file);
        return takeReport();
      },
    });
    const cat = ["cat > file", samples.cat] as const;
    return {
      rows: [
        beside("256 MiB read and spooled", "ms", samples.alone ?? [], cat, { atMost: 2 }),
        beside("256 MiB read, spooled and sent", "ms", samples.sent ?? [], cat),
      ],
    };
  },
};
