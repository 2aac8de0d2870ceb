import { classes } from "../../components/classes.ts";
import { Input } from "../../components/Input.tsx";
import type { RoundFilter, Tally } from "./rounds.ts";
import { stepLook } from "./states.ts";

interface Props {
  tally: Tally;
  onFilter(filter: RoundFilter): void;
}

/** Below a step with many rounds: how many are in each state, to show only those, and a search by name. */
export function RoundTally({ tally: { counts, filter, isEmpty }, onFilter }: Props) {
  return (
    <search aria-label="Filter agents and items" className="flex flex-col gap-2 px-2.5 py-2">
      <div className="flex flex-wrap gap-1.5">
        {counts.map(({ state, steps }) => {
          const pressed = filter.state === state;
          return (
            <button
              key={state}
              type="button"
              aria-pressed={pressed}
              onClick={() => onFilter({ ...filter, state: pressed ? undefined : state })}
              className={classes(
                "rounded-full border px-2 py-0.5 text-xs pointer-coarse:px-3 pointer-coarse:py-2",
                pressed
                  ? "border-ink bg-hover text-ink"
                  : "border-line text-muted hover:bg-hover/50 hover:text-ink",
              )}
            >
              {steps} {stepLook(state).label.toLowerCase()}
            </button>
          );
        })}
      </div>
      <Input
        type="search"
        aria-label="Find by name"
        placeholder="Find by name"
        value={filter.text ?? ""}
        onChange={(event) => onFilter({ ...filter, text: event.target.value })}
      />
      {isEmpty && <p className="text-[0.8125rem] text-muted">None of them fits.</p>}
    </search>
  );
}
