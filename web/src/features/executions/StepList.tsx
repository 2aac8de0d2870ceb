import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { plural } from "../../components/format.ts";
import { RoundTally } from "./RoundTally.tsx";
import { type RoundFilter, rowsOf } from "./rounds.ts";
import { StepItem } from "./StepItem.tsx";
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
export function StepList({ away, choose, ...picking }: StepPicking) {
  return (
    <nav
      aria-label="Steps"
      className="hidden w-72 shrink-0 flex-col overflow-y-auto border-r border-line py-2 md:flex"
    >
      <div className="flex-1 px-2">
        <StepTree {...picking} choose={choose} />
      </div>
      {away && (
        <button
          type="button"
          onClick={() => choose(undefined)}
          className="sticky bottom-0 mx-2 mt-2 rounded-md border border-line bg-surface px-3 py-1.5 text-left text-[0.8125rem] text-link shadow-raised hover:bg-hover"
        >
          Follow the execution
        </button>
      )}
    </nav>
  );
}

/** The rows of the tree, with what undoes and what ends it under a heading each. */
export function StepTree({ steps, shown, choose }: Omit<StepPicking, "away">) {
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const [filters, setFilters] = useState<ReadonlyMap<string, RoundFilter>>(new Map());
  const rows = rowsOf(steps, { unfolded, filters }, shown);
  let part: PlacedStep["part"];
  return (
    <ol>
      {rows.map((row) => {
        const indent = { paddingLeft: `${Math.min(row.depth, DEPTH_SHOWN) * 0.875}rem` };
        if ("type" in row && row.type === "tally") {
          const onFilter = (filter: RoundFilter) => setFilters(new Map(filters).set(row.of, filter));
          return (
            <li key={`tally ${row.of}`} style={indent}>
              <RoundTally tally={row} onFilter={onFilter} />
            </li>
          );
        }
        if ("type" in row) {
          return (
            <li key={`fold ${row.of}`} style={indent}>
              <button
                type="button"
                onClick={() => setUnfolded(new Set([...unfolded, row.of]))}
                className="flex w-full items-center gap-2.5 rounded-md px-2.5 py-1.5 text-left text-[0.8125rem] text-muted hover:bg-hover/50 hover:text-ink pointer-coarse:py-3"
              >
                <ChevronRight className="size-4 shrink-0" aria-hidden />
                {plural(row.steps, "step")} without trouble
              </button>
            </li>
          );
        }
        const heading = row.part !== part && partTitle(row.part);
        part = row.part;
        return (
          <li key={row.id}>
            {heading && (
              <p className="mt-3 border-t border-line px-2.5 pt-2.5 pb-1 text-xs font-medium text-muted">
                {heading}
              </p>
            )}
            <div style={indent}>
              <StepItem step={row} shown={row.id === shown} onChoose={() => choose(row.id)} />
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function partTitle(part: PlacedStep["part"]): string | undefined {
  return part && { undo: "Undone after the failure", finally: "At the end, whatever happened" }[part];
}
