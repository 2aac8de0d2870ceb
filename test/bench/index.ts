/** Every measurement, in the order in which they are made. */
import { agentAtRest } from "./agentAtRest.ts";
import { calls } from "./calls.ts";
import { engine } from "./engine.ts";
import { firstOutput } from "./firstOutput.ts";
import { hundredMegabytes } from "./hundredMegabytes.ts";
import { hundredSteps } from "./hundredSteps.ts";
import { inFlight } from "./inFlight.ts";
import { manySteps } from "./manySteps.ts";
import type { Measurement } from "./measurement.ts";
import { redaction } from "./redaction.ts";
import { runningStep } from "./runningStep.ts";
import { smallChunks } from "./smallChunks.ts";
import { waiting } from "./waiting.ts";

export const measurements = {
  agent: agentAtRest,
  "first-output": firstOutput,
  "running-step": runningStep,
  "hundred-steps": hundredSteps,
  "hundred-megabytes": hundredMegabytes,
  "in-flight": inFlight,
  "small-chunks": smallChunks,
  calls,
  "many-steps": manySteps,
  waiting,
  engine,
  redaction,
} as const satisfies Record<string, Measurement>;

export type MeasurementName = keyof typeof measurements;
