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

describe("what an expression costs", () => {
  const p = "a,".repeat(16 * 1024);
  const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`key${at}`, at]));
  const numbers = Array.from({ length: 5_000 }, (_, at) => at);
  const params = { p, q: `${p.slice(1)}b`, many, numbers, rows: numbers.map((at) => ({ at, p })) };

  // Each of them, or what it is made of, took from a tenth of a second to minutes.
  const attacks = [
    `params.p.split('').all(x, params.p.split('').all(y, y != 'z' && x != 'z'))`,
    `params.p.split(',').map(x, params.p).join('')`,
    `params.numbers.map(x, params.numbers.map(y, y))`,
    `params.numbers.all(x, params.numbers.all(y, true))`,
    `params.numbers.map(x, params.p)`,
    `params.numbers.map(x, params.rows)`,
    `params.numbers.exists(x, int(params.p) == x)`,
    `params.numbers.exists(x, params.p == x)`,
    `params.numbers.all(x, size(params.p) > 1)`,
    `params.numbers.all(x, size(params.p.lowerAscii()) > 1)`,
    `params.numbers.all(x, size(params.many) > 1)`,
    `params.numbers.all(x, params.rows.map(y, y) != [x])`,
    `params.numbers.all(x, params.many.exists(y, y == 'z') || true)`,
    `params.numbers.all(x, !(x in params.numbers.map(y, y + 1)) || true)`,
    `params.rows == params.rows.map(x, {'at': x.at, 'p': x.p})`,
    `params.numbers.all(x, params.p.contains(params.q))`,
    `(params.p + params.p + params.p + params.p).lastIndexOf(params.p.substring(1, 9000) + 'x')`,
    `params.numbers.all(x, timestamp(x).getHours('Europe/Berlin') >= 0)`,
    `params.numbers.all(x, params.p.substring(0, 4000).matches('(a|b|c|,){0,60}(x|y){50}z'))`,
    `params.p.substring(0, 4000).matches('((a{0,25}){0,25}){0,25}z')`,
    `params.p.substring(0, 4000).matches('(([a-z,]{1,30}){1,30})z')`,
    `params.numbers.all(x, bytes(params.p) != bytes(params.q))`,
    `params.numbers.map(x, bytes(params.p).hex())`,
    `bytes('[' + params.p.split(',').map(x, '[').join('') + params.p.split(',').map(x, ']').join('') + ']').json()`,
    `cel.bind(a, params.p + params.p, cel.bind(b, a + a + a + a, cel.bind(c, b + b + b + b, cel.bind(d, c + c + c + c, d + d + d + d))))`,
    `cel.bind(a, [params.p, params.p, params.p, params.p], cel.bind(b, [a, a, a, a, a, a], cel.bind(c, [b, b, b, b, b, b, b], [c, c, c, c, c, c, c])))`,
    `cel.bind(a, params.numbers + params.numbers, cel.bind(b, a + a, cel.bind(c, b + b, params.numbers.map(x, c + c))))`,
    `params.numbers.all(x, ${Array(60).fill("params.numbers[x] == x").join(" && ")})`,
  ];

  it.each(attacks)("is bounded: %s", (text) => {
    const run = () => {
      const begun = performance.now();
      try {
        parseExpression(text).evaluate({ ...scope, params });
      } catch (error) {
        expect(error).toBeInstanceOf(ExpressionError);
        expect(String(error)).not.toMatch(/stack|recursion/i);
      }
      return performance.now() - begun;
    };
    // What is not bounded takes minutes; the best of a few, for others use the machine, too.
    const took = Math.min(run(), run(), run());
    expect(took).toBeLessThan(1_000);
  });

  it("leaves room for what runbooks do", () => {
    const hosts = Array.from({ length: 1_000 }, (_, at) => ({
      name: `host-${at}`,
      up: at % 2 === 0,
      tags: ["a", "b"],
    }));
    const names = hosts.map(({ name }) => name);
    const evaluate = (text: string) =>
      parseExpression(text).evaluate({ ...scope, params: { hosts, names, p } });
    expect(evaluate("params.hosts.filter(h, h.up && 'b' in h.tags).map(h, h.name)")).toHaveLength(500);
    expect(evaluate("params.hosts.exists(h, h.tags.exists(t, t == 'c'))")).toBe(false);
    expect(evaluate("params.names.join(',').split(',').size()")).toBe(1_000);
    expect(evaluate("params.p.split(',').filter(x, x != '').size()")).toBe(16 * 1024);
    expect(evaluate("params.p.contains('b') || params.p.startsWith('a,a')")).toBe(true);
  });

  it("is told in words", () => {
    const evaluate = (text: string) => () => parseExpression(text).evaluate({ ...scope, params });
    expect(evaluate(attacks[0] ?? "")).toThrow(/takes too much work/);
    expect(evaluate("params.numbers.map(x, params.p).join('')")).toThrow(
      /a text in it would have over 1024 Ki/,
    );
    expect(evaluate("params.rows")).toThrow(/the result has over 1024 Ki characters/);
  });
});
