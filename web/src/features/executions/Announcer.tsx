import type { Execution } from "#protocol/api/executions.ts";
import { activeStep } from "./selection.ts";
import { executionLook, stepLook } from "./states.ts";

/** Tells screen readers how it goes: the state, and the step where things happen. */
export function Announcer({ execution }: { execution: Execution }) {
  const step = activeStep(execution);
  return (
    <div role="status" className="sr-only">
      {executionLook(execution.state).label}.{step && ` Step ${step.title}: ${stepLook(step.state).label}.`}
    </div>
  );
}
