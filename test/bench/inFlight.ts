import { expectText, oneCommand, requireOutput, SHELLS, type ShellName, settle } from "./arena.ts";
import { watchEventLoop } from "./eventLoop.ts";
import type { Measurement } from "./measurement.ts";
import { alone, beside } from "./results.ts";

const EXECUTIONS = 120;
const IN_FLIGHT = 20;
/** What an sshd allows on one connection unless it is told otherwise (MaxSessions). */
const SESSIONS_BY_DEFAULT = 10;
const SCRIPT = "echo hello";
const OUTPUT = expectText("hello\n");

/** Many executions at the same time, each followed until it has ended. */
export const inFlight: Measurement = {
  title: "Executions per second at 20 in flight",
  rounds: 4,
  budgetMs: 40_000,
  async run({ farhand, agent, folder, argv, spawner }, rounds) {
    const runbookId = await farhand.write(oneCommand("sh", SCRIPT));
    const utilization: number[] = [];
    const loopDelay: number[] = [];
    const ours = async () => {
      let left = EXECUTIONS;
      const lane = async () => {
        while (left-- > 0) requireOutput("Farhand", await farhand.run(runbookId), OUTPUT);
      };
      const began = performance.now();
      const { result, eventLoop } = await watchEventLoop(agent, folder, async () => {
        await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
        return EXECUTIONS / ((performance.now() - began) / 1e3);
      });
      utilization.push(eventLoop.utilization * 100);
      loopDelay.push(eventLoop.delayP99Ms);
      await settle();
      return result;
    };
    const byShell = (name: ShellName, atOnce: number) => {
      const command = argv(name, SCRIPT);
      if (!command) return undefined;
      return async () => {
        const { totalMs } = await spawner.run(command, { count: EXECUTIONS, inFlight: atOnce });
        return EXECUTIONS / (totalMs / 1e3);
      };
    };
    const samples = await rounds.interleave({
      ours,
      shared10: byShell("shared", SESSIONS_BY_DEFAULT),
      shared20: byShell("shared", IN_FLIGHT),
    });
    const measure = "executions, 20 in flight";
    const done = samples.ours ?? [];
    const bound = { atLeast: 0.3 };
    return {
      rows: [
        beside(measure, "per s", done, [`${SHELLS.shared}, 10`, samples.shared10], bound),
        beside(measure, "per s", done, [`${SHELLS.shared}, 20`, samples.shared20], bound),
        alone("20 in flight, agent's event loop busy", "%", utilization),
        alone("20 in flight, agent's event loop, p99 delay", "ms", loopDelay),
      ],
    };
  },
};
