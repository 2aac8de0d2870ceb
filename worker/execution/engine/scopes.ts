/**
 * Which steps share an agent. A scope is a set of steps that run on one and the
 * same agent, in one working folder: all those without a target of their own,
 * those of one round of a `foreach` over agents, or one step with a target.
 */
import type { BlockTarget } from "#protocol/blocks/common.ts";
import { QUEUE_WAIT_DEFAULT_MS } from "#protocol/limits.ts";
import { ancestorsOf, listOf, type Place, placeOf, ROOT } from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";
import { type EngineState, entryOf, type LeaseRecord } from "./state.ts";

export const MAIN_SCOPE = "main";

export interface ScopeSpec {
  scope: string;
  poolId: string;
  labels: Readonly<Record<string, string>>;
  /** Only this agent will do. */
  agentId?: string;
  whenNone: "wait" | "fail";
  /** How long to wait for an agent, ms. */
  waitMs: number;
}

/** The scope that a step belongs to, and what its agent has to be. */
export function scopeOf(state: EngineState, path: string): ScopeSpec {
  const place = placeOf(state.plan, path);
  const own = place && ownScope(state, place);
  if (own) return own;
  const undone = place?.undoes && placeOf(state.plan, [place.undoes.id, ...place.numbers].join("~"));
  if (undone) return doneScope(state, path, undone.path) ?? scopeOf(state, undone.path);
  for (let inner = path, around: string | undefined; ; inner = around) {
    around = [...ancestorsOf(state.plan, inner)][0];
    if (around === undefined) break;
    const innerPlace = placeOf(state.plan, inner);
    const outer = state.steps.get(around);
    if (outer?.over?.type === "agents" && innerPlace)
      return agentScope(state, around, listOf(innerPlace).list);
  }
  const { poolId, labels } = state.plan.target;
  return sticky(state, {
    scope: MAIN_SCOPE,
    poolId,
    labels,
    whenNone: "wait",
    waitMs: QUEUE_WAIT_DEFAULT_MS,
  });
}

function ownScope(state: EngineState, place: Place): ScopeSpec | undefined {
  if (place.instance !== undefined) return agentScope(state, listOf(place).step, place.instance);
  const target = targetOf(place);
  if (!target) return undefined;
  return sticky(state, { scope: `step:${place.path}`, ...resolveTarget(state.plan, target) });
}

/** One agent of a target that has been resolved. */
function agentScope(state: EngineState, path: string, index: number): ScopeSpec {
  const step = state.steps.get(path);
  const target = groupTarget(state, path);
  const agentId = step?.over?.type === "agents" ? step.over.agents[index]?.agentId : undefined;
  return { scope: `${path}~${index}`, ...target, agentId };
}

/** What was done before a retry is undone where it was done, and nowhere else. */
function doneScope(state: EngineState, path: string, undone: string): ScopeSpec | undefined {
  const done = state.steps.get(undone)?.reused ? entryOf(state.taken?.doneOn, undone) : undefined;
  return (
    done && { scope: `step:${path}`, ...done, labels: {}, whenNone: "wait", waitMs: QUEUE_WAIT_DEFAULT_MS }
  );
}

/** Once a scope has had an agent it keeps it: its files are there. */
function sticky(state: EngineState, spec: ScopeSpec): ScopeSpec {
  const known = state.scopes.get(spec.scope);
  return known?.settled && known.agent ? { ...spec, agentId: known.agent.id } : spec;
}

function targetOf({ block }: Pick<Place, "block">): BlockTarget | undefined {
  return block.kind === "command" || block.kind === "api" || block.kind === "foreach"
    ? block.target
    : undefined;
}

/** What the agents have to be that a step is spread over. */
export function groupTarget(state: EngineState, path: string): ReturnType<typeof resolveTarget> {
  const place = placeOf(state.plan, path);
  return resolveTarget(state.plan, (place && targetOf(place)) ?? {});
}

/** What a block's target means in this plan; what it leaves open is the runbook's. */
function resolveTarget(plan: Plan, target: BlockTarget): Omit<ScopeSpec, "scope" | "agentId"> {
  const poolId =
    target.pool === undefined ? plan.target.poolId : (entryOf(plan.pools, target.pool) ?? plan.target.poolId);
  const labels = target.labels ?? (target.pool === undefined ? plan.target.labels : {});
  return {
    poolId,
    labels,
    whenNone: target.whenNone ?? "wait",
    waitMs: target.waitMs ?? QUEUE_WAIT_DEFAULT_MS,
  };
}

/** True while something may still come on the agent of a lease that needs the folder there: of its scope, or of another. */
export function keepsFolder(state: EngineState, { scope, agentId }: LeaseRecord): boolean {
  if (isScopeAlive(state, scope)) return true;
  for (const other of state.leases.values()) {
    if (agentId !== undefined && other.agentId === agentId && isScopeAlive(state, other.scope)) return true;
  }
  return false;
}

/** True while steps of a scope may still come that need its agent. */
export function isScopeAlive(state: EngineState, scope: string): boolean {
  if (scope === MAIN_SCOPE) return state.end === undefined;
  const path = scope.startsWith("step:") ? scope.slice("step:".length) : undefined;
  if (path !== undefined) return state.open.has(path);
  const group = scope.slice(0, scope.lastIndexOf("~"));
  return group !== ROOT && state.open.has(group);
}
