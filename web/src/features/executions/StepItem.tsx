import { classes } from "../../components/classes.ts";
import { Elapsed } from "../../components/RelativeTime.tsx";
import { StepIcon } from "./StatusBadge.tsx";
import { asksPerson } from "./selection.ts";
import { stepLook } from "./states.ts";
import type { PlacedStep } from "./stepTree.ts";

/** A step's icon, name, state in a word and time. */
export function StepItem({ step, shown, onChoose }: { step: PlacedStep; shown: boolean; onChoose(): void }) {
  // Prose is no step to people, unless it asks before it begins.
  const prose = step.isProse && step.state !== "waiting";
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
          {step.onAgent ? step.round : step.title}
        </span>
        {!prose && <StepFacts step={step} />}
      </span>
    </button>
  );
}

function StepFacts({ step }: { step: PlacedStep }) {
  const { outcome, startedAt, finishedAt, durationMs, lists, round, onAgent } = step;
  const asks = asksPerson(step);
  return (
    <span className="block text-xs text-muted">
      {round !== undefined && !onAgent && (
        <span className="line-clamp-1 font-medium wrap-anywhere">{round}</span>
      )}
      <span className={asks ? "font-medium text-warn" : undefined}>
        {asks ? "Needs an answer" : step.reused ? "Done before" : stepLook(step.state).label}
      </span>
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
