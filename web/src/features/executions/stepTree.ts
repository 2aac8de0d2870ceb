/** The steps of an execution as a tree: in the order of the plan, each with its depth. Pure. */
import type { Step } from "#protocol/api/executions.ts";
import { childLists } from "#protocol/blocks/index.ts";
import { pathsOfList, placeOf, ROOT } from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";

export type PlacedStep = Step & {
  /** 0 at the top. */
  depth: number;
  /** Which round of a `foreach` it belongs to, or which agent it runs on: the item, the agent's name, or a number from 1. */
  round?: string;
  /** The step around it, when that goes over items or agents. */
  roundOf?: string;
  /** It is the step around it on one agent: only the agent's name tells them apart. */
  onAgent?: true;
  /** `undo`: it undoes another step after a failure. `finally`: it runs at the end, whatever happened. */
  part?: "undo" | "finally";
  /** Text that nobody has to act on: it only stands where it stands. */
  isProse?: true;
};

type Placing = Pick<PlacedStep, "roundOf" | "onAgent" | "part"> & { number?: number };

/**
 * Steps come in the order in which they came to be; people look for them where
 * they stand in the runbook. What undoes others, and what cannot be placed,
 * follows at the end.
 */
export function stepTree(plan: Plan, steps: readonly Step[]): PlacedStep[] {
  const left = new Map(steps.map((step) => [step.id, step]));
  const placed: PlacedStep[] = [];
  const visit = (paths: readonly string[], depth: number, { number, ...placing }: Placing): void => {
    for (const path of paths) {
      const step = left.get(path);
      if (!step) continue;
      left.delete(path);
      const round = roundOf(step, number);
      const place = placeOf(plan, path);
      const isProse = place?.block.kind === "instruction" && !place.block.acknowledge;
      const more = { ...(round !== undefined && { round }), ...(isProse && { isProse }) };
      placed.push({ ...step, depth, ...placing, ...more });
      const fixed = place ? childLists(place.block).length : 0;
      const isRounds = place?.block.kind === "foreach" || fixed === 0;
      const lists = step.lists ? (isRounds ? step.lists.started : fixed) : 0;
      for (let list = 0; list < lists; list++) {
        const onAgent = isRounds && place?.block.kind !== "foreach";
        const inside = isRounds
          ? { ...placing, roundOf: path, number: list + 1, ...(onAgent && { onAgent }) }
          : placing;
        visit(pathsOfList(plan, path, list), depth + 1, inside);
      }
    }
  };
  visit(pathsOfList(plan, ROOT, 0), 0, {});
  const undoing = [...left.keys()].filter((path) => placeOf(plan, path)?.undoes);
  visit(undoing, 0, { part: "undo" });
  visit(pathsOfList(plan, ROOT, 1), 0, { part: "finally" });
  visit([...left.keys()], 0, {});
  return placed;
}

function roundOf({ item, agentName }: Step, number: number | undefined): string | undefined {
  if (item !== undefined) return item;
  return number === undefined ? undefined : (agentName ?? String(number));
}
