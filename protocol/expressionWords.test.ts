import { describe, expect, it } from "vitest";
import { ExpressionError, parseExpression } from "./expressions.ts";

const NOTHING = { params: {}, steps: {}, item: null, index: 0, agent: {}, execution: {} };

function result(text: string, scope: Partial<Record<keyof typeof NOTHING, unknown>> = {}): unknown {
  try {
    return parseExpression(text).evaluate({ ...NOTHING, ...scope });
  } catch (error) {
    if (error instanceof ExpressionError) return `error: ${error.message}`;
    throw error;
  }
}

describe("a parameter that was left empty", () => {
  it.each([
    ["params.opt == null", true],
    ["params.opt", null],
    ['params["opt"] == null', true],
    ["has(params.opt)", false],
    ["has(params.opt) && params.opt > 3", false],
    ["params.opt == null || has(params.opt)", true],
    ["params.?opt.orValue(7)", 7],
    ["params.opt == null ? params.?opt.orValue(7) : 0", 7],
    ["[1, 2].map(each, params.opt == null)", [true, true]],
    ["[{'opt': 1}].map(params, params.opt)", [1]],
  ])("is null: %s", (text, expected) => {
    expect(result(text, { params: { other: 1 } })).toEqual(expected);
  });

  it("is itself when it was given", () => {
    const params = { opt: 5 };
    expect(result("has(params.opt) && params.opt > 3 && params['opt'] != null", { params })).toBe(true);
    expect(result("params.?opt.orValue(7) + params.opt", { params })).toBe(10);
  });

  it("has no second name", () => {
    expect(result("paramsOrNull")).toBe("error: Unknown variable: paramsOrNull");
  });
});

describe("a name with hyphens", () => {
  it.each([
    ["steps.disk-check.exitCode == 0", "disk-check"],
    ["steps.disk-2.exitCode == 0", "disk-2"],
    ["1 + steps.a-b-c.attempt", "a-b-c"],
    ["steps.each-item.state == 'x'", "each-item"],
  ])("stands in brackets, which %s is told", (text, name) => {
    const words = `error: a name with hyphens stands in brackets: write steps["${name}"]`;
    expect(result(text)).toBe(words);
  });

  it("may stand in a text, and numbers are still subtracted", () => {
    expect(result("'steps.disk-check'")).toBe("steps.disk-check");
    expect(result("steps.a.attempt-1", { steps: { a: { attempt: 3 } } })).toBe(2);
  });
});

describe("an output that is text", () => {
  const steps = {
    a: { outputs: { n: "5", hosts: "a\nb\n", list: '["x", {"y": 2}]', deep: "[".repeat(50_000) } },
  };

  it.each([
    "steps.a.outputs.n > 3",
    "3 < steps.a.outputs.n",
    "steps.a.outputs.n + 1",
    "steps.a.outputs.n <= 0.5",
  ])("is no number: %s", (text) => {
    expect(result(text, { steps })).toMatch(
      /^error: text and a number do not go together; outputs of scripts are text: write int\(…\)/,
    );
  });

  it("becomes a number, a list, or whatever it is as JSON", () => {
    expect(result("int(steps.a.outputs.n) > 3", { steps })).toBe(true);
    expect(result('steps.a.outputs.hosts.trim().split("\\n")', { steps })).toEqual(["a", "b"]);
    expect(result("json(steps.a.outputs.list)[1].y + 1", { steps })).toBe(3);
    expect(result("json(steps.a.outputs.list)", { steps })).toEqual(["x", { y: 2 }]);
    expect(result("json('x')")).toBe("error: json() was given a text that is not JSON");
    expect(result("json(steps.a.outputs.deep)", { steps })).toBe(
      "error: json() was given a text that is not JSON",
    );
    const nested = { a: { outputs: { v: "[".repeat(5_000) + "]".repeat(5_000) } } };
    expect(result("json(steps.a.outputs.v)", { steps: nested })).toMatch(/^error: .*nested/);
  });

  it("is told to be none where a number is looked for", () => {
    expect(result("int('x')")).toBe("error: int() was given a text that is no whole number");
  });
});
