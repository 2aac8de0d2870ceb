/** Which steps a block can look at: those that have ended, in whatever way, before it begins. */
import type { Place } from "./walk.ts";

type Relation =
  | { is: "earlier" | "later" | "itself" | "around" }
  /** In the other part of a condition, or in another branch beside it. */
  | { is: "elsewhere"; in: string; runs: "instead" | "beside" };

/** Why the results of a block can not be known at another one; undefined when they can. */
export function visibilityProblem(seen: Place, from: Place): string | undefined {
  const name = `"${seen.block.id}"`;
  const loop = seen.around.find((each) => each.kind === "foreach" && !from.around.includes(each));
  if (loop) return `${name} runs many times in "${loop.id}"; its results can only be used in there`;
  if (seen.undoes && from.trail[0]?.list !== 1) {
    return `${name} only runs once everything else has ended, to undo "${seen.undoes.block.id}"`;
  }
  const relation = relationOf(seen.undoes ?? seen, from.undoes ?? from);
  // What undoes a block runs when all of the others have ended.
  if (from.undoes && seen.trail[0]?.list === from.trail[0]?.list && isInTime(relation)) return undefined;
  switch (relation.is) {
    case "earlier":
      return undefined;
    case "itself":
      return `${name} is this block itself; it has no results before it begins`;
    case "around":
      return `${name} is a block around this one; it has no results before it ends`;
    case "later":
      return `${name} comes later; use a block that stands above`;
    case "elsewhere":
      return relation.runs === "instead"
        ? `${name} cannot have run here: it stands in the other part of "${relation.in}"`
        : `${name} runs beside this block, in another branch of "${relation.in}"`;
    default:
      return relation satisfies never;
  }
}

function isInTime(relation: Relation): boolean {
  return relation.is !== "elsewhere" || relation.runs === "beside";
}

function relationOf(seen: Place, from: Place): Relation {
  for (const [depth, here] of from.trail.entries()) {
    const there = seen.trail[depth];
    if (!there) return { is: "around" };
    if (there.list !== here.list) {
      const around = from.around[depth - 1];
      if (!around) return { is: there.list < here.list ? "earlier" : "later" };
      return { is: "elsewhere", in: around.id, runs: around.kind === "condition" ? "instead" : "beside" };
    }
    if (there.index !== here.index) return { is: there.index < here.index ? "earlier" : "later" };
  }
  return { is: seen.trail.length > from.trail.length ? "later" : "itself" };
}
