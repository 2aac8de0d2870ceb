/** Whether an expression can be worked out where it stands. */

import type { Block } from "../blocks/index.ts";
import { type Expression, ExpressionError, parseExpression } from "../expressions.ts";
import { mayHaveInstances } from "../paths.ts";
import type { ExpressionSite } from "./expressionSites.ts";
import type { Parameter } from "./parameters.ts";
import { visibilityProblem } from "./visibility.ts";
import type { Place } from "./walk.ts";

/** What the expressions of a document can speak of. */
export interface Surroundings {
  parameters: readonly Parameter[];
  steps: ReadonlyMap<string, Place>;
}

const AGENT_FACTS = ["id", "name", "labels"];
const EXECUTION_FACTS = ["title", "startedAt", "trigger", "actor"];

export function expressionProblems(
  text: string,
  gives: ExpressionSite["gives"],
  place: Place,
  surroundings: Surroundings,
): string[] {
  let expression: Expression;
  try {
    expression = parseExpression(text);
  } catch (error) {
    if (error instanceof ExpressionError) return [`this expression cannot be read: ${error.message}`];
    throw error;
  }
  const found = expression.members.map((member) => memberProblem(member, place, surroundings));
  const compared = expression.besideNumbers.map((pair) => numberProblem(pair, surroundings));
  const problems = [...found, ...compared].filter((problem) => problem !== undefined);
  const wrongType = typeProblem(expression.type, gives);
  return [...new Set([...problems, ...(wrongType ? [wrongType] : [])])];
}

function typeProblem(type: string, gives: ExpressionSite["gives"]): string | undefined {
  if (gives === "anything" || type.startsWith("dyn")) return undefined;
  if (gives === "bool") {
    return type === "bool"
      ? undefined
      : `this expression must be true or false; its result is of type ${type}`;
  }
  return type.startsWith("list")
    ? undefined
    : `this expression must give a list; its result is of type ${type}`;
}

function memberProblem(
  [root = "", name, ...rest]: readonly string[],
  place: Place,
  { parameters, steps }: Surroundings,
): string | undefined {
  switch (root) {
    case "params":
      return name === undefined ? undefined : parameterProblem(name, parameters);
    case "steps":
      return stepProblem(name, rest, place, steps);
    case "item":
    case "index":
      if (place.around.some(({ kind }) => kind === "foreach")) return undefined;
      return `"${root}" only means something inside of a foreach`;
    case "agent":
      return factProblem("an agent", name, AGENT_FACTS);
    case "execution":
      return factProblem("an execution", name, EXECUTION_FACTS);
    default:
      return undefined;
  }
}

function parameterProblem(name: string, parameters: readonly Parameter[]): string | undefined {
  const names = parameters.map((each) => each.name);
  return names.includes(name)
    ? undefined
    : `this runbook has no parameter "${name}"; ${listed("it has", names)}`;
}

/** What a command hands on is always text, which is never equal to a number. */
function numberProblem(
  { member, number }: Expression["besideNumbers"][number],
  { parameters, steps }: Surroundings,
): string | undefined {
  const [root, name = "", fact, output, ...rest] = member;
  if (root !== "steps" || fact !== "outputs" || output === undefined || rest.length > 0) return undefined;
  if (steps.get(name)?.block.kind !== "command" || (number && !isNumber(number, parameters)))
    return undefined;
  const step = name.includes("-") ? `steps["${name}"]` : `steps.${name}`;
  return `outputs of a command are text, so "${output}" is no number: write int(${step}.outputs.${output})`;
}

function isNumber([root, name, fact]: readonly string[], parameters: readonly Parameter[]): boolean {
  if (root === "params") return parameters.find((each) => each.name === name)?.type === "number";
  return root === "index" || (root === "steps" && ["exitCode", "status", "attempt"].includes(fact ?? ""));
}

function stepProblem(
  name: string | undefined,
  [fact, output]: readonly string[],
  place: Place,
  steps: Surroundings["steps"],
): string | undefined {
  if (name === undefined) return 'say which step: steps.check or steps["disk-check"]';
  const other = steps.get(name);
  if (!other) return `there is no block "${name}" in this runbook; give the one that is meant this name`;
  const hidden = visibilityProblem(other, place);
  if (hidden) return hidden;
  const { block } = other;
  const unknown = factProblem(`a step of "${name}"`, fact, factsOf(block));
  if (unknown || fact !== "outputs" || output === undefined) return unknown;
  return outputProblem(block, output);
}

function factProblem(what: string, name: string | undefined, known: readonly string[]): string | undefined {
  if (name === undefined || known.includes(name)) return undefined;
  return `${what} has no "${name}"; ${listed("there is", known)}`;
}

/** What can be known of a step once it has ended. */
function factsOf(block: Block): string[] {
  const facts = ["state", "attempt", "outputs"];
  if (mayHaveInstances(block)) facts.push("results");
  else if (block.kind === "command") facts.push("exitCode");
  else if (block.kind === "api") facts.push("status");
  const asks = block.kind === "approval" || block.kind === "instruction" || block.confirm !== undefined;
  return asks ? [...facts, "answers"] : facts;
}

function outputProblem(block: Block, output: string): string | undefined {
  if (mayHaveInstances(block)) {
    return `"${block.id}" runs on many agents: its outputs are in the list steps.${block.id}.results`;
  }
  const known = outputsOf(block);
  if (!known || known.includes(output)) return undefined;
  const advice = block.kind === "command" ? `; add it to its outputs` : "";
  return `"${block.id}" hands on no "${output}"; ${listed("it hands on", known)}${advice}`;
}

/** The names of the values that a block hands on; undefined when nobody can know. */
function outputsOf(block: Block): readonly string[] | undefined {
  switch (block.kind) {
    case "command":
      return block.outputs ?? [];
    case "api":
      return Object.keys(block.outputs ?? {});
    case "instruction":
    case "approval":
      return (block.form ?? []).map(({ name }) => name);
    case "runbook":
      return undefined;
    case "condition":
    case "timer":
    case "parallel":
    case "foreach":
      return [];
    default:
      return block satisfies never;
  }
}

function listed(verb: string, names: readonly string[]): string {
  return `${verb} ${names.length === 0 ? "none" : names.slice(0, 20).join(", ")}`;
}
