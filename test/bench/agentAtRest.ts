import { setTimeout as wait } from "node:timers/promises";
import { watchEventLoop } from "./eventLoop.ts";
import type { Measurement } from "./measurement.ts";
import { residentMemory } from "./processes.ts";
import { alone } from "./results.ts";

const LOOK_MS = 500;

/** What an agent costs a host that has nothing for it to do. */
export const agentAtRest: Measurement = {
  title: "The agent at rest",
  rounds: 6,
  budgetMs: 10_000,
  async run({ agent, folder }, rounds) {
    const memory: number[] = [];
    const utilization: number[] = [];
    for (const _ of rounds) {
      const { eventLoop } = await watchEventLoop(agent, folder, () => wait(LOOK_MS));
      memory.push(residentMemory(agent.pid));
      utilization.push(eventLoop.utilization * 100);
    }
    return {
      rows: [
        alone("agent at rest, resident memory", "MB", memory),
        alone("agent at rest, event loop busy", "%", utilization),
      ],
    };
  },
};
