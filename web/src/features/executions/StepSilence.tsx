import type { Step } from "#protocol/api/executions.ts";
import { isStepTerminal } from "#protocol/states.ts";

/** A step without output: whether some may come. */
export function StepSilence({ step }: { step: Step }) {
  return (
    <div className="grid min-h-0 flex-1 place-items-center bg-(--log-canvas) px-6 text-center text-muted">
      <p className="max-w-sm text-balance">{silence(step)}</p>
    </div>
  );
}

function silence({ state, outcome }: Step): string {
  if (state === "skipped") return "This step did not run.";
  if (outcome?.type === "refused") return "Nothing was started.";
  if (isStepTerminal(state)) return "It printed nothing.";
  if (state === "running" || state === "unreachable") return "Nothing printed yet.";
  return "It has not started yet. Its output shows up here as it is printed.";
}
