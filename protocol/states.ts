import { z } from "zod";

/** `queued → running ⇄ waiting | paused →` one of the four ends. */
export const executionStateSchema = z.enum([
  "queued",
  "running",
  "waiting",
  "paused",
  "succeeded",
  "failed",
  "canceled",
  "timed_out",
]);
export type ExecutionState = z.infer<typeof executionStateSchema>;

export const stepStateSchema = z.enum([
  "pending",
  "waiting",
  "dispatched",
  "running",
  "unreachable",
  "succeeded",
  "failed",
  "skipped",
  "canceled",
  "timed_out",
  "unknown",
]);
export type StepState = z.infer<typeof stepStateSchema>;

/**
 * Why an execution waits in its pool's queue, or (`organization_full`) in that
 * of its organization. `agents_drain`: who could take it is connected, and takes
 * no new work. `agents_decline`: there are free slots, but whose they
 * are takes nothing now, such as for want of disk space.
 */
export const queueReasonSchema = z.enum([
  "no_agent_connected",
  "no_agent_matches",
  "agents_drain",
  "all_busy",
  "agents_decline",
  "pool_full",
  "organization_full",
]);
export type QueueReason = z.infer<typeof queueReasonSchema>;

export const TERMINAL_EXECUTION_STATES = ["succeeded", "failed", "canceled", "timed_out"] as const;
export type TerminalExecutionState = (typeof TERMINAL_EXECUTION_STATES)[number];

export const TERMINAL_STEP_STATES = [
  "succeeded",
  "failed",
  "skipped",
  "canceled",
  "timed_out",
  "unknown",
] as const;
export type TerminalStepState = (typeof TERMINAL_STEP_STATES)[number];

/** True once an execution has ended; it then never changes again (promise G6). */
export function isExecutionTerminal(state: ExecutionState): state is TerminalExecutionState {
  return (TERMINAL_EXECUTION_STATES as readonly string[]).includes(state);
}

/** True once a step has ended. */
export function isStepTerminal(state: StepState): state is TerminalStepState {
  return (TERMINAL_STEP_STATES as readonly string[]).includes(state);
}
