/** The one place that says how each state looks, reads, and what may be done in it. */
import {
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CirclePause,
  CircleSlash,
  CircleX,
  Clock,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  Send,
  SkipForward,
  TimerOff,
  Unplug,
} from "lucide-react";
import type { ExecutionState, StepState } from "#protocol/states.ts";
import type { Tone } from "../../components/Badge.tsx";

interface StateLook {
  label: string;
  tone: Tone;
  icon: LucideIcon;
  /** The icon turns: something is going on right now. */
  spins?: true;
}

type ExecutionAction = "cancel" | "retry" | "runAgain";

export const EXECUTION_STATES = {
  queued: { label: "Queued", tone: "neutral", icon: Hourglass, actions: ["cancel"] },
  running: { label: "Running", tone: "live", icon: LoaderCircle, spins: true, actions: ["cancel"] },
  waiting: { label: "Waiting", tone: "warn", icon: Clock, actions: ["cancel"] },
  paused: { label: "Paused", tone: "warn", icon: CirclePause, actions: ["cancel"] },
  succeeded: { label: "Succeeded", tone: "good", icon: CircleCheck, actions: ["runAgain"] },
  failed: { label: "Failed", tone: "bad", icon: CircleX, actions: ["retry", "runAgain"] },
  canceled: { label: "Canceled", tone: "neutral", icon: CircleSlash, actions: ["retry", "runAgain"] },
  timed_out: { label: "Timed out", tone: "bad", icon: TimerOff, actions: ["retry", "runAgain"] },
} as const satisfies Record<ExecutionState, StateLook & { actions: readonly ExecutionAction[] }>;

export const STEP_STATES = {
  pending: { label: "Pending", tone: "neutral", icon: CircleDashed },
  waiting: { label: "Waiting", tone: "neutral", icon: Hourglass },
  dispatched: { label: "Sent to agent", tone: "live", icon: Send },
  running: { label: "Running", tone: "live", icon: LoaderCircle, spins: true },
  unreachable: { label: "Agent unreachable", tone: "warn", icon: Unplug },
  succeeded: { label: "Succeeded", tone: "good", icon: CircleCheck },
  failed: { label: "Failed", tone: "bad", icon: CircleX },
  skipped: { label: "Skipped", tone: "neutral", icon: SkipForward },
  canceled: { label: "Canceled", tone: "neutral", icon: CircleSlash },
  timed_out: { label: "Timed out", tone: "bad", icon: TimerOff },
  unknown: { label: "Unknown", tone: "odd", icon: CircleHelp },
} as const satisfies Record<StepState, StateLook>;

export function allows(state: ExecutionState, action: ExecutionAction): boolean {
  return (EXECUTION_STATES[state].actions as readonly ExecutionAction[]).includes(action);
}

export function executionLook(state: ExecutionState): StateLook {
  return EXECUTION_STATES[state];
}

export function stepLook(state: StepState): StateLook {
  return STEP_STATES[state];
}
