import type { ExecutionState, StepState } from "#protocol/states.ts";
import { Badge, TONE_TEXT } from "../../components/Badge.tsx";
import { classes } from "../../components/classes.ts";
import { executionLook, stepLook } from "./states.ts";

/** The state in colour, icon and word. */
export function ExecutionBadge({ state }: { state: ExecutionState }) {
  const { label, tone, icon: Icon, spins } = executionLook(state);
  return (
    <Badge tone={tone}>
      <Icon className={spins && "animate-spin"} aria-hidden />
      {label}
    </Badge>
  );
}

export function StepBadge({ state }: { state: StepState }) {
  const { label, tone, icon: Icon, spins } = stepLook(state);
  return (
    <Badge tone={tone}>
      <Icon className={spins && "animate-spin"} aria-hidden />
      {label}
    </Badge>
  );
}

/** Only the icon, for places that have the word beside it. */
export function StepIcon({ state }: { state: StepState }) {
  const { tone, icon: Icon, spins } = stepLook(state);
  return (
    <Icon className={classes("size-4 shrink-0", TONE_TEXT[tone], spins && "animate-spin")} aria-hidden />
  );
}
