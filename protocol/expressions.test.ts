import { describe, expect, it } from "vitest";
import { type Expression, ExpressionError, parseExpression } from "./expressions.ts";
import { EXPRESSION_MAX_LENGTH, JSON_DEPTH_MAX } from "./limits.ts";

const scope = { params: {}, steps: {}, item: undefined, index: 0, agent: {}, execution: {} };

/** The expression, or why there is none; anything but an ExpressionError is thrown. */
function read(text: string): Expression | ExpressionError {
  try {
    return parseExpression(text);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
}

describe("an expression that is nested as deeply as its length allows", () => {
  const units = [
    "(",
    "[",
    "{1:",
    "-",
    "!",
    "a.",
    "a[",
    "1+",
    "true?",
    "[1].map(a,",
    "size(",
    "true&&",
    "x(",
    ".a",
  ];

  it.each(units)("of %j ends in words, closed or not", (unit) => {
    const times = Math.floor(EXPRESSION_MAX_LENGTH / unit.length);
    const close = { "(": ")", "[": "]", "{": "}" }[unit.replace(/.*([([{]).*/, "$1")] ?? "";
    const half = Math.floor(EXPRESSION_MAX_LENGTH / (unit.length + close.length)) - 1;
    for (const text of [unit.repeat(times), `${unit.repeat(half)}1${close.repeat(half)}`]) {
      const expression = read(text);
      expect(expression instanceof ExpressionError ? expression.message : "").not.toMatch(/stack|recursion/i);
    }
  });

  it("of 100,000 levels is too long before it is anything else", () => {
    expect(read("(".repeat(100_000))).toMatchObject({
      message: `an expression may have at most ${EXPRESSION_MAX_LENGTH} characters`,
    });
  });
});

describe("data that is nested deeply", () => {
  const nested = (levels: number) => {
    let value: unknown = 1;
    for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { a: value };
    return value;
  };

  it("goes through as deep as any message may be", () => {
    const item = nested(JSON_DEPTH_MAX);
    expect(parseExpression("[item, item]").evaluate({ ...scope, item })).toEqual([item, item]);
    expect(parseExpression("item == item").evaluate({ ...scope, item })).toBe(true);
  });

  it("is refused in words when it is deeper", () => {
    const evaluate = () => parseExpression("[item]").evaluate({ ...scope, item: nested(100_000) });
    expect(evaluate).toThrow(
      new ExpressionError(`its data is nested deeper than ${2 * JSON_DEPTH_MAX} levels`),
    );
  });
});
