/** Values of a block that may be expressions, worked out for one attempt. */
import type { Value } from "#protocol/blocks/common.ts";
import type { StepInputs } from "#protocol/data.ts";
import { ExpressionError, looksAtAgent, parseExpression, textOf } from "#protocol/expressions.ts";
import { jsonBytes } from "#protocol/json.ts";
import { INPUTS_MAX_BYTES, SCRIPT_MAX_BYTES } from "#protocol/limits.ts";
import type { Scene } from "./kind.ts";

/**
 * The results of those that are expressions, by their place in the block; text
 * as it stands stays in the plan.
 * @throws ExpressionError also when they are too large
 */
export function inputsOf(values: Readonly<Record<string, unknown>>, scene: Scene): StepInputs | undefined {
  const inputs: StepInputs = {};
  for (const [place, value] of Object.entries(values)) {
    if (!isExpression(value)) continue;
    const text = sendable(value.expr, textOf(scene.evaluate(value.expr)));
    if (text.length > SCRIPT_MAX_BYTES) {
      throw new ExpressionError(`${place} is over ${SCRIPT_MAX_BYTES / 1024} KiB once it is worked out`);
    }
    inputs[place] = text;
  }
  if (jsonBytes(inputs) > INPUTS_MAX_BYTES) {
    throw new ExpressionError(
      `what its expressions come to is over ${INPUTS_MAX_BYTES / 1024} KiB together, counted as JSON`,
    );
  }
  return Object.keys(inputs).length > 0 ? inputs : undefined;
}

/** Text as it can be hashed and sent: half of a character has no UTF-8. @throws ExpressionError */
function sendable(expression: string, text: string): string {
  if (text.isWellFormed()) return text;
  throw new ExpressionError(
    `what "${expression.slice(0, 80)}" gives has half of a surrogate pair in it: it cuts a character in two`,
  );
}

/** True when any of them is an expression that looks at the agent at hand. */
export function lookAtAgent(values: Readonly<Record<string, unknown>>): boolean {
  return Object.values(values).some(
    (value) => isExpression(value) && looksAtAgent(parseExpression(value.expr)),
  );
}

/** A record of values with the places that they have in the block. */
export function placed<T>(
  prefix: string,
  values: Readonly<Record<string, T>> | undefined,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(values ?? {}).map(([name, value]) => [`${prefix}/${name}`, value]),
  );
}

/** A value as text, worked out if it is an expression. */
export function resolve(value: Value, scene: Scene): string {
  return typeof value === "string" ? value : textOf(scene.evaluate(value.expr));
}

function isExpression(value: unknown): value is { expr: string } {
  return typeof value === "object" && value !== null && "expr" in value && typeof value.expr === "string";
}
