/** Whether a plan means this agent. Pure. */
import type { BlockTarget } from "#protocol/blocks/common.ts";
import { ancestorsOf, type Place, placeOf } from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";
import type { Refusal } from "./refusal.ts";

/** Who this agent is, as its own host knows it. */
export interface Self {
  organizationId: string;
  poolId: string;
  labels: Readonly<Record<string, string>>;
}

/** Why a step of this plan is not for this agent. */
export function targetProblem(plan: Plan, step: string, self: Self): Refusal | undefined {
  const refuse = (detail: string): Refusal => ({ ok: false, code: "not_targeted", detail });
  if (plan.organizationId !== self.organizationId) return refuse("the plan is of another organization");
  const { poolId, labels } = targetAt(plan, step);
  if (poolId !== self.poolId) return refuse("by the plan, this step is for agents of another pool");
  const missing = Object.entries(labels).find(
    ([name, value]) => !Object.hasOwn(self.labels, name) || self.labels[name] !== value,
  );
  if (!missing) return undefined;
  return refuse(`by the plan, this step is for agents with the label ${missing.join("=")}`);
}

/** The target of the step itself, or of the loop over agents around it, or of the runbook. */
function targetAt(plan: Plan, step: string): { poolId: string; labels: Readonly<Record<string, string>> } {
  const place = placeOf(plan, step);
  if (place?.undoes && !targetOf(place)) {
    return targetAt(plan, [place.undoes.id, ...place.numbers].join("~"));
  }
  const around = [...ancestorsOf(plan, step)].flatMap((path) => placeOf(plan, path) ?? []);
  const target = [...(place ? [place] : []), ...around].map(targetOf).find((each) => each !== undefined);
  const { poolId, labels } = plan.target;
  const named = target?.pool;
  const pools = new Map(Object.entries(plan.pools ?? {}));
  return {
    poolId: named === undefined ? poolId : (pools.get(named) ?? poolId),
    labels: target?.labels ?? (named === undefined ? labels : {}),
  };
}

function targetOf({ block }: Pick<Place, "block">): BlockTarget | undefined {
  return block.kind === "command" || block.kind === "api" || block.kind === "foreach"
    ? block.target
    : undefined;
}
