/**
 * What an agent can work out by itself it does not take from others: the
 * results of expressions that look at nothing but parameters. Pure.
 */
import { ExpressionError, parseExpression, textOf } from "#protocol/expressions.ts";
import type { Plan } from "#protocol/plan.ts";
import { type AgentBlock, placesOf, type Texts } from "../job/values.ts";
import type { Refusal } from "./refusal.ts";

const NOTHING = { steps: {}, item: null, index: 0, agent: {}, execution: {} };

/** Which input is not what its expression comes to. */
export function inputProblem(block: AgentBlock, texts: Texts, plan: Plan): Refusal | undefined {
  for (const [place, value] of placesOf(block)) {
    if (typeof value === "string") continue;
    const own = resultOf(value.expr, plan);
    if (own === "elsewhere" || (own.ok && own.text === texts.get(place))) continue;
    const detail = own.ok
      ? `what came for "${place}" is not what its expression comes to with the plan's parameters`
      : `data came for "${place}", whose expression comes to nothing with the plan's parameters`;
    return { ok: false, code: "input_changed", detail };
  }
  return undefined;
}

type Result = { ok: true; text: string } | { ok: false };

/** `elsewhere` for an expression that looks at more than parameters. */
function resultOf(text: string, { parameters }: Plan): Result | "elsewhere" {
  try {
    const expression = parseExpression(text);
    if (!expression.members.every(([root]) => root === "params")) return "elsewhere";
    return { ok: true, text: textOf(expression.evaluate({ ...NOTHING, params: parameters })) };
  } catch (error) {
    if (error instanceof ExpressionError) return { ok: false };
    throw error;
  }
}
