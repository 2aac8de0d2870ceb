import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { callsSoFar, forgetCalls, startCountingSite, untilQuiet } from "./countingSite.ts";
import type { Measurement } from "./measurement.ts";
import { ownMemory, residentMemory } from "./processes.ts";
import { alone } from "./results.ts";

const IDLE_MS = 60_000;

/** What an agent costs its host, and the control plane, that has had nothing to do for a minute. */
export const idleAgent: Measurement = {
  title: "an agent that has been idle for a minute",
  rounds: 1,
  budgetMs: 0,
  async run({ folder, shutdown }, rounds) {
    const { farhand, agent } = await startCountingSite({
      ...{ folder: join(folder, "idle"), shutdown },
      unprobed: true,
    });
    await untilQuiet(farhand.url);
    const samples = { resident: [], own: [], calls: [], alarms: [] } as Record<
      "resident" | "own" | "calls" | "alarms",
      number[]
    >;
    for (const _ of rounds) {
      await forgetCalls(farhand.url);
      await wait(IDLE_MS);
      const calls = await callsSoFar(farhand.url);
      samples.resident.push(residentMemory(agent.pid));
      samples.own.push(ownMemory(agent.pid));
      samples.calls.push(calls.filter(({ kind }) => kind !== "alarm").length);
      samples.alarms.push(calls.filter(({ kind }) => kind === "alarm").length);
    }
    return {
      rows: [
        alone("idle agent, resident memory", "MB", samples.resident, { atMost: 60 }),
        alone("idle agent, memory of its own", "MB", samples.own),
        alone("idle agent, calls and messages in a minute", "calls", samples.calls, { atMost: 0 }),
        alone("idle agent, alarms of its pool in a minute", "calls", samples.alarms),
      ],
    };
  },
};
