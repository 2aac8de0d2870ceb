/** Every measurement, in the order in which they are made. */
import { agentAtRest } from "./agentAtRest.ts";
import { calls } from "./calls.ts";
import { engine } from "./engine.ts";
import { firstOutput } from "./firstOutput.ts";
import { flatMemory } from "./flatMemory.ts";
import { fleet } from "./fleet.ts";
import { hundredMegabytes } from "./hundredMegabytes.ts";
import { hundredSteps } from "./hundredSteps.ts";
import { idleAgent } from "./idleAgent.ts";
import { inFlight } from "./inFlight.ts";
import { manySteps } from "./manySteps.ts";
import type { Measurement } from "./measurement.ts";
import { outputToFile } from "./outputToFile.ts";
import { redaction } from "./redaction.ts";
import { runningStep } from "./runningStep.ts";
import { smallChunks } from "./smallChunks.ts";
import { waiting } from "./waiting.ts";

export const measurements = {
  agent: agentAtRest,
  "idle-agent": idleAgent,
  "first-output": firstOutput,
  "running-step": runningStep,
  "hundred-steps": hundredSteps,
  "hundred-megabytes": hundredMegabytes,
  "output-to-file": outputToFile,
  "flat-memory": flatMemory,
  "in-flight": inFlight,
  "small-chunks": smallChunks,
  calls,
  "many-steps": manySteps,
  waiting,
  fleet,
  engine,
  redaction,
} as const satisfies Record<string, Measurement>;

export type MeasurementName = keyof typeof measurements;
