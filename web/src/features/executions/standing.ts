/** What holds an execution up as a whole, or what it is at beside its blocks. Pure. */
import type { Execution, QueuePlace, Step } from "#protocol/api/executions.ts";

export type Standing =
  | { type: "canceling" }
  | { type: "paused"; by: NonNullable<Execution["paused"]> }
  | { type: "unreachable"; steps: Step[] }
  /** `step` is empty for the locks of the whole execution. */
  | { type: "locks"; step: string }
  /** `step`: the one that waits; absent for the execution as a whole. */
  | { type: "queued"; queue: QueuePlace; step: Step | undefined }
  /** `cause`: the step whose failure is being undone. */
  | { type: "compensating"; cause: Step | undefined }
  | { type: "finally" };

/** The one thing to say; of several the one that a person can do most about. */
export function standingOf(execution: Execution): Standing | undefined {
  const { steps, paused, queue, locks, phase, canceling } = execution;
  if (execution.finishedAt) return undefined;
  if (canceling) return { type: "canceling" };
  if (paused) return { type: "paused", by: paused };
  const unreachable = steps.filter((step) => step.state === "unreachable");
  if (unreachable.length > 0) return { type: "unreachable", steps: unreachable };
  if (locks && locks.status !== "granted") return { type: "locks", step: "" };
  const locked = steps.find((step) => step.wait?.for === "locks");
  if (locked) return { type: "locks", step: locked.id };
  if (queue) return { type: "queued", queue, step: steps.find((step) => isSameWait(step.queue, queue)) };
  if (phase === "compensating")
    return { type: "compensating", cause: steps.find(({ state }) => state === "failed") };
  return phase === "finally" ? { type: "finally" } : undefined;
}

/** Both wait for the same: what is said of one need not be said of the other. */
export function isSameWait(one: QueuePlace | undefined, other: QueuePlace | undefined): boolean {
  return one?.reason === other?.reason && one?.poolName === other?.poolName;
}
