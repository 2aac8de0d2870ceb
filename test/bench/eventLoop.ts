/** Asks the probe in the agent (`eventLoopProbe.ts`) how busy its event loop was. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import type { AgentProcess } from "../../scripts/lib/agentProcess.ts";
import { Problem } from "../../scripts/lib/problem.ts";
import { plainScript } from "./plainScript.ts";

const ANSWER_MS = 5_000;

const findingSchema = z.object({ utilization: z.number(), delayP99Ms: z.number() });
export type EventLoopFinding = z.infer<typeof findingSchema>;

const answerFile = (folder: string) => join(folder, "event-loop.json");

/** What the agent's environment needs so that it can be asked. */
export function probeEnvironment(folder: string): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${pathToFileURL(plainScript("eventLoopProbe", folder))}`,
    FARHAND_BENCH_EVENT_LOOP: answerFile(folder),
  };
}

/** Measures the agent's event loop while the work is done. */
export async function watchEventLoop<T>(
  agent: AgentProcess,
  folder: string,
  work: () => Promise<T>,
): Promise<{ result: T; eventLoop: EventLoopFinding }> {
  const file = answerFile(folder);
  rmSync(file, { force: true });
  agent.signal("SIGUSR2");
  const result = await work();
  agent.signal("SIGUSR2");
  const deadline = performance.now() + ANSWER_MS;
  while (!existsSync(file)) {
    if (performance.now() > deadline) throw new Problem("The agent does not answer about its event loop.");
    await wait(5);
  }
  return { result, eventLoop: findingSchema.parse(JSON.parse(readFileSync(file, "utf8"))) };
}
