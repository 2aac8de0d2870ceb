import { cancel } from "./cancel.ts";
import { create } from "./create.ts";
import { events } from "./events.ts";
import { get } from "./get.ts";
import { list } from "./list.ts";
import { output } from "./output.ts";
import { pause } from "./pause.ts";
import { remove } from "./remove.ts";
import { resume } from "./resume.ts";
import { retry } from "./retry.ts";
import { acknowledge, approve, confirm, reject, skip } from "./step-answers.ts";
import { stepChunks } from "./step-chunks.ts";
import { stepOutput } from "./step-output.ts";
import { getStep, listSteps, result } from "./steps.ts";
import { stream } from "./stream.ts";

export const executionOperations = [
  create,
  list,
  get,
  retry,
  remove,
  result,
  listSteps,
  getStep,
  cancel,
  pause,
  resume,
  acknowledge,
  approve,
  reject,
  confirm,
  skip,
  events,
  stream,
  output,
  stepOutput,
  stepChunks,
];
