/** Which step the banner of an execution tells of. Pure. */
import type { Execution, Step } from "#protocol/api/executions.ts";
import { indexOf } from "#protocol/paths.ts";

const BAD: readonly Step["state"][] = ["failed", "unknown", "timed_out"];

export function endedBadly({ state }: Step): boolean {
  return BAD.includes(state);
}

/** The step that an execution failed by: the first that ended badly where that was not tolerated. */
export function culpritOf({ plan, steps }: Pick<Execution, "plan" | "steps">): Step | undefined {
  const bad = steps.filter(endedBadly);
  return bad.find((step) => !isTolerated(plan, step)) ?? bad[0];
}

/** Whether the banner of an execution that has ended says already how this step did. */
export function isToldAbove(execution: Execution, step: Step): boolean {
  switch (execution.state) {
    case "failed":
    case "timed_out":
      return culpritOf(execution)?.id === step.id;
    case "canceled":
      return step.state === "canceled";
    case "succeeded":
    case "queued":
    case "running":
    case "waiting":
    case "paused":
      return false;
    default:
      return execution.state satisfies never;
  }
}

/** Its block, or one around it, may fail. */
function isTolerated(plan: Execution["plan"], { id }: Step): boolean {
  const { positions } = indexOf(plan);
  let here = positions.get(id.split("~", 1)[0] ?? id);
  while (here) {
    if (here.block.onFailure === "continue") return true;
    here = here.parent && positions.get(here.parent.id);
  }
  return false;
}
