import { describe, expect, it } from "vitest";
import { checkParameters, type Parameter, parameterEnvironment, parameterSchema } from "./parameters.ts";

const definitions: Parameter[] = [
  { name: "service", type: "string", pattern: "[a-z]+" },
  { name: "count", type: "number", min: 1, max: 5, default: 2 },
  { name: "force", type: "boolean", default: false },
  { name: "zone", type: "choice", options: ["a", "b"], required: false },
];

describe("checking parameters", () => {
  it("fills in defaults and leaves out what is optional", () => {
    expect(checkParameters(definitions, { service: "web" })).toEqual({
      ok: true,
      values: { service: "web", count: 2, force: false },
    });
  });

  it.each([
    [{}, '"service" is required'],
    [{ service: "" }, '"service" must match [a-z]+'],
    [{ service: "web1" }, '"service" must match [a-z]+'],
    [{ service: "web\nx" }, '"service" must match [a-z]+'],
    [{ service: 1 }, '"service" must be text'],
    [{ service: "web", count: 9 }, '"count" must be at most 5'],
    [{ service: "web", count: "2" }, '"count" must be a number'],
    [{ service: "web", force: "yes" }, '"force" must be true or false'],
    [{ service: "web", zone: "c" }, '"zone" must be one of a, b'],
    [{ service: "web", extra: 1 }, 'this runbook has no parameter "extra"'],
    [{ service: "web", toString: 1 }, 'this runbook has no parameter "toString"'],
  ])("%j: %s", (given, message) => {
    const check = checkParameters(definitions, given);
    expect(check.ok ? [] : check.problems.map((problem) => problem.message)).toContain(message);
  });

  it("does not take a value from the prototype", () => {
    const check = checkParameters([{ name: "constructor", type: "string" }], {});
    expect(check).toMatchObject({ ok: false, problems: [{ name: "constructor" }] });
  });

  it("refuses NUL, which no environment can carry", () => {
    expect(checkParameters([{ name: "a", type: "string" }], { a: "x\0y" }).ok).toBe(false);
  });
});

it("reports a default that its own definition refuses", () => {
  const parsed = parameterSchema.safeParse({ name: "n", type: "number", min: 3, default: 1 });
  expect(parsed.error?.issues[0]?.message).toContain("must be at least 3");
  expect(parameterSchema.safeParse({ name: "n", type: "string", pattern: "(" }).success).toBe(false);
});

it("[S13] becomes environment, whatever the value", () => {
  expect(parameterEnvironment({ service: "$(reboot)", count: 2, force: true })).toEqual({
    FARHAND_PARAM_SERVICE: "$(reboot)",
    FARHAND_PARAM_COUNT: "2",
    FARHAND_PARAM_FORCE: "true",
  });
});

it("takes no longer for a pattern made to take long", () => {
  // With backtracking this would not come back within the age of the universe.
  const definition: Parameter = { name: "a", type: "string", pattern: "(a+)+$" };
  expect(checkParameters([definition], { a: `${"a".repeat(30_000)}b` }).ok).toBe(false);
});
