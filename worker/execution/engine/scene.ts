/** What the expressions of a step can see. */
import {
  ExpressionError,
  type ExpressionScope,
  looksAtAgent,
  parseExpression,
} from "#protocol/expressions.ts";
import { mayHaveInstances, pathFrom, pathsOfList, placeOf } from "#protocol/paths.ts";
import type { Scene } from "../../blocks/kind.ts";
import { scopeOf } from "./scopes.ts";
import type { EngineState, StepRecord } from "./state.ts";

export function sceneOf(state: EngineState, path: string, now: number): Scene {
  return {
    now,
    isGroup: placeOf(state.plan, path)?.instance === undefined,
    evaluate: (text) => {
      const expression = parseExpression(text);
      if (looksAtAgent(expression) && !agentAt(state, path)) {
        throw new ExpressionError(
          "no agent is known here yet: `agent` can be used in the values of commands and requests that agents do, after the first of them, and wherever blocks run on each of many agents",
        );
      }
      return expression.evaluate(scopeFor(state, path, expression.steps));
    },
  };
}

function scopeFor(state: EngineState, path: string, names: readonly string[]): ExpressionScope {
  const numbers = placeOf(state.plan, path)?.numbers ?? [];
  const { plan } = state;
  return {
    params: plan.parameters,
    steps: Object.fromEntries(names.map((name) => [name, stepSeen(state, numbers, name)])),
    ...itemFor(state, path),
    agent: agentAt(state, path) ?? {},
    execution: { title: plan.title, startedAt: new Date(state.createdAt).toISOString(), ...whoFor(state) },
  };
}

function stepSeen(state: EngineState, numbers: readonly string[], name: string): Record<string, unknown> {
  const path = pathFrom(state.plan, numbers, name);
  const step = path === undefined ? undefined : state.steps.get(path);
  if (!step) return { state: "pending", outputs: {} };
  if (!mayHaveInstances(step.block) || step.over?.type !== "agents") return factsOf(step);
  const results = step.over.agents.flatMap(({ agentName }, index) => {
    const [child] = pathsOfList(state.plan, step.path, index);
    const each = child === undefined ? undefined : state.steps.get(child);
    return each ? [{ agent: agentName, ...factsOf(each) }] : [];
  });
  return { ...factsOf(step), results };
}

function factsOf(step: StepRecord): Record<string, unknown> {
  return {
    state: step.state,
    attempt: step.attempt,
    outputs: step.values ?? {},
    ...(step.outcome?.type === "exited" && { exitCode: step.outcome.exitCode }),
    ...(step.outcome?.type === "answered" && { status: step.outcome.status }),
    ...(step.answers && { answers: step.answers.map(({ answer, note }) => ({ answer, note: note ?? "" })) }),
  };
}

/** Item and index of the innermost `foreach` around the step. */
function itemFor(state: EngineState, path: string): { item: unknown; index: number } {
  const own = placeOf(state.plan, path);
  const place = own?.undoes ? placeOf(state.plan, [own.undoes.id, ...own.numbers].join("~")) : own;
  for (let inner = place; inner?.parent; ) {
    const around: string = [
      inner.parent.id,
      ...inner.numbers.slice(0, inner.loops - (inner.parent.kind === "foreach" ? 1 : 0)),
    ].join("~");
    const over = state.steps.get(around)?.over;
    if (inner.parent.kind === "foreach" && over) {
      const index = Number(inner.numbers[inner.loops - 1]);
      return {
        index,
        item: over.type === "items" ? over.items[index] : (over.agents[index]?.agentName ?? null),
      };
    }
    inner = placeOf(state.plan, around);
  }
  return { item: null, index: 0 };
}

/** The agent at hand; undefined before there is one. */
export function agentAt(state: EngineState, path: string): Record<string, unknown> | undefined {
  const { scope, agentId } = scopeOf(state, path);
  const agent = state.scopes.get(scope)?.agent ?? agentOver(state, scope, agentId);
  return agent && { id: agent.id, name: agent.name, labels: agent.labels ?? {} };
}

/** Of agents that a step is spread over is known who they are before any of them is asked. */
function agentOver(
  { steps }: EngineState,
  scope: string,
  agentId: string | undefined,
): { id: string; name: string; labels?: Readonly<Record<string, string>> } | undefined {
  const over = agentId === undefined ? undefined : steps.get(scope.slice(0, scope.lastIndexOf("~")))?.over;
  const found = over?.type === "agents" ? over.agents.find((each) => each.agentId === agentId) : undefined;
  return found && { id: found.agentId, name: found.agentName, labels: found.labels };
}

function whoFor({ actor, trigger }: EngineState): Record<string, string> {
  return { trigger: trigger.type, actor: "name" in actor ? actor.name : actor.type };
}
