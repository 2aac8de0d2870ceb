import type { Step } from "#protocol/api/executions.ts";
import { classes } from "../../components/classes.ts";
import { Elapsed } from "../../components/RelativeTime.tsx";
import { StepIcon } from "./StatusBadge.tsx";
import { stepLook } from "./states.ts";
import type { PlacedStep } from "./stepTree.ts";

/** Deeper steps are not indented further: on a narrow list their names need the room. */
const DEPTH_SHOWN = 4;

export interface StepPicking {
  steps: readonly PlacedStep[];
  shown: string | undefined;
  /** The reader chose another step than the one where things happen. */
  away: boolean;
  /** Undefined: follow the execution again. */
  choose(id: string | undefined): void;
}

/** The steps beside their output. */
export function StepList({ steps, shown, away, choose }: StepPicking) {
  return (
    <nav
      aria-label="Steps"
      className="hidden w-72 shrink-0 flex-col overflow-y-auto border-r border-line py-2 md:flex"
    >
      <ol className="flex-1 px-2">
        {steps.map((step) => (
          <li key={step.id} style={{ paddingLeft: `${Math.min(step.depth, DEPTH_SHOWN) * 0.875}rem` }}>
            <StepItem step={step} shown={step.id === shown} onChoose={() => choose(step.id)} />
          </li>
        ))}
      </ol>
      {away && (
        <button
          type="button"
          onClick={() => choose(undefined)}
          className="mx-2 mt-2 rounded-md border border-line bg-surface px-3 py-1.5 text-left text-[0.8125rem] text-link hover:bg-hover"
        >
          Follow the execution
        </button>
      )}
    </nav>
  );
}

/** A step's icon, name, state in a word and time. */
export function StepItem({ step, shown, onChoose }: { step: PlacedStep; shown: boolean; onChoose(): void }) {
  const prose = step.kind === "instruction";
  return (
    <button
      type="button"
      aria-current={shown ? "true" : undefined}
      onClick={onChoose}
      className={classes(
        "flex w-full items-start gap-2.5 rounded-md px-2.5 py-1.5 text-left hover:bg-hover/50 focus-visible:-outline-offset-2 pointer-coarse:py-2.5",
        shown && "bg-hover hover:bg-hover",
      )}
    >
      <span className="mt-0.5">
        {prose ? (
          <span aria-hidden className="grid size-4 place-items-center text-faint">
            ¶
          </span>
        ) : (
          <StepIcon state={step.state} />
        )}
      </span>
      <span className="min-w-0 flex-1">
        <span className={classes("line-clamp-2 wrap-anywhere", prose ? "text-muted" : "font-medium")}>
          {step.title}
          {step.round !== undefined && (
            <span className="font-normal text-muted"> · {step.agentName ?? step.round}</span>
          )}
        </span>
        {!prose && <StepFacts step={step} />}
      </span>
    </button>
  );
}

function StepFacts({ step }: { step: Step }) {
  const { outcome, startedAt, finishedAt, durationMs, lists } = step;
  return (
    <span className="block text-xs text-muted">
      {stepLook(step.state).label}
      {lists && lists.total > 1 && ` · ${lists.ended} of ${lists.total}`}
      {lists !== undefined && lists.failed > 0 && `, ${lists.failed} failed`}
      {outcome?.type === "exited" && outcome.exitCode !== 0 && ` · exit ${outcome.exitCode}`}
      {startedAt && (durationMs !== undefined || !finishedAt) && (
        <>
          {" · "}
          <Elapsed since={startedAt} durationMs={durationMs} />
        </>
      )}
    </span>
  );
}
