/** Which step the page shows: the one in the address, or the one where things happen. */
import type { Execution, Step } from "#protocol/api/executions.ts";
import { isStepTerminal } from "#protocol/states.ts";

export interface Selection {
  /** Undefined: whatever step is going on. */
  step: string | undefined;
  /** From 0. */
  line: number | undefined;
}

/** Reads `#check` and `#check:120`; lines in addresses count from 1. */
export function readHash(hash: string): Selection {
  const [, step, line] = /^#([a-z0-9-]+(?:~\d+)*)(?::(\d{1,12}))?$/.exec(hash) ?? [];
  return { step, line: line === undefined ? undefined : Math.max(0, Number(line) - 1) };
}

export function hashOf(step: string, line?: number): string {
  return line === undefined ? `#${step}` : `#${step}:${line + 1}`;
}

/** True for a step that goes on when a person has answered it. */
export function asksPerson({ state, wait }: Step): boolean {
  if (state !== "waiting") return false;
  return wait?.for === "acknowledgement" || wait?.for === "approval" || wait?.for === "confirmation";
}

/** Where things happen: what asks somebody, else what runs, what is waited for, what went wrong, the last that ran. */
export function activeStep({ steps }: Execution): Step | undefined {
  const commands = steps.filter((step) => step.kind !== "instruction");
  const wentWrong = commands.filter((step) =>
    ["failed", "unknown", "timed_out", "canceled"].includes(step.state),
  );
  // Of steps inside each other the innermost: it came last.
  const open = commands.filter((step) => !isStepTerminal(step.state) && step.state !== "pending");
  return (
    steps.findLast(asksPerson) ??
    open.findLast((step) => step.state !== "waiting" && !step.lists) ??
    steps.findLast((step) => step.state === "waiting" && step.wait) ??
    open.at(-1) ??
    // What is around a failure only says that there was one inside.
    wentWrong.find((step) => !step.lists) ??
    wentWrong[0] ??
    commands.find((step) => step.state === "pending") ??
    commands.findLast((step) => step.state === "succeeded") ??
    commands[0] ??
    steps[0]
  );
}
