import { describe, expect, it } from "vitest";
import type { Parameter } from "#protocol/runbook/parameters.ts";
import { checkAnswers, initialAnswers } from "./answers.ts";

const parameters: Parameter[] = [
  { name: "host", type: "string", pattern: "[a-z]+" },
  { name: "count", type: "number", min: 1, max: 5, default: 2 },
  { name: "dry", type: "boolean", default: true },
  { name: "mode", type: "choice", options: ["on", "off"] },
  { name: "note", type: "string", required: false },
];

describe("the form of a run", () => {
  it("begins with defaults, or with what an earlier execution had", () => {
    expect(initialAnswers(parameters)).toEqual({ host: "", count: "2", dry: true, mode: "", note: "" });
    expect(initialAnswers(parameters, { host: "db", dry: false, count: 4 })).toMatchObject({
      host: "db",
      dry: false,
      count: "4",
    });
  });

  it("sends typed values and leaves out what is empty", () => {
    const answers = { host: "db", count: "3", dry: false, mode: "on", note: "" };
    expect(checkAnswers(parameters, answers)).toEqual({
      ok: true,
      values: { host: "db", count: 3, dry: false, mode: "on" },
    });
  });

  it("says what is wrong with each answer", () => {
    const checked = checkAnswers(parameters, { host: "DB", count: "nine", dry: true, mode: "", note: "x" });
    expect(checked).toEqual({
      ok: false,
      problems: {
        host: '"host" must match [a-z]+',
        count: '"count" must be a number',
        mode: "This is needed.",
      },
    });
    expect(
      checkAnswers(parameters, { host: "db", count: "6", dry: true, mode: "on", note: "" }),
    ).toMatchObject({
      problems: { count: '"count" must be at most 5' },
    });
  });

  it("an emptied number falls back to its default", () => {
    const checked = checkAnswers(parameters, { host: "db", count: "", dry: true, mode: "on", note: "" });
    expect(checked).toMatchObject({ ok: true, values: { count: 2 } });
  });

  it("takes a parameter for what it is that is called as something every object has", () => {
    const odd: Parameter[] = [{ name: "constructor", type: "string" }];
    expect(initialAnswers(odd)).toEqual({ constructor: "" });
    const problems = { constructor: "This is needed." };
    expect(checkAnswers(odd, { constructor: "" })).toEqual({ ok: false, problems });
    expect(checkAnswers(odd, {})).toEqual({ ok: false, problems });
  });
});
