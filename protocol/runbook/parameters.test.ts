import { describe, expect, it } from "vitest";
import { PATTERN_VALUE_MAX_BYTES } from "../limits.ts";
import {
  checkParameters,
  type Parameter,
  parameterEnvironment,
  parameterSchema,
  parametersSchema,
} from "./parameters.ts";

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

describe("patterns made to take long", () => {
  // With backtracking this would not come back within the age of the universe.
  it("costs what the length of the text costs", () => {
    const definition: Parameter = { name: "a", type: "string", pattern: "(a+)+$" };
    expect(checkParameters([definition], { a: `${"a".repeat(4_000)}b` }).ok).toBe(false);
  });

  it.each([
    ["repeats one after the other", ".{0,999}x".repeat(55)],
    ["repeats in repeats", `(${".".repeat(480)}){1000}`],
    [
      "repeats behind text that only looks like a group or a class",
      "\\Q[(\\E(\\[.{30}){31}((.{10}){10}){10}",
    ],
  ])("refuses %s when it is published", (_, pattern) => {
    const parsed = parameterSchema.safeParse({ name: "a", type: "string", pattern });
    expect(parsed.error?.issues).toMatchObject([
      { path: ["pattern"], message: expect.stringContaining("over 2000 instructions") },
    ]);
  });

  it("counts the patterns of a runbook together, before a default meets them", () => {
    const parameter = { type: "string", pattern: ".{0,400}x", default: "does not fit" };
    const parsed = parametersSchema.safeParse(["a", "b", "c"].map((name) => ({ ...parameter, name })));
    expect(parsed.error?.issues.map(({ path }) => path.join("."))).toEqual([
      "0.default",
      "1.default",
      "2.pattern",
    ]);
    expect(parsed.error?.issues[2]?.message).toContain(
      'up to "c", the patterns of this runbook have over 2000',
    );
  });

  it("lets patterns of everyday size be", () => {
    const patterns = [
      "[a-z]{1,63}",
      "(?i)\\p{L}{1,200}",
      "((25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.|$)){4}",
      "[a-f0-9]{64}",
    ];
    const given = patterns.map((pattern, index) => ({ name: `p${index}`, type: "string", pattern }));
    expect(parametersSchema.safeParse(given).error).toBeUndefined();
  });

  it("takes values up to 4 KiB", () => {
    const definition: Parameter = { name: "a", type: "string", pattern: ".*" };
    const longest = "a".repeat(PATTERN_VALUE_MAX_BYTES);
    expect(checkParameters([definition], { a: longest }).ok).toBe(true);
    expect(checkParameters([definition], { a: `${longest}a` })).toMatchObject({
      problems: [{ message: '"a" is over 4 KiB, the most for a value with a pattern' }],
    });
  });
});
