/** Between what a form holds (text and ticks) and what a runbook takes (typed values). Pure. */
import type { Parameter, ParameterValues } from "#protocol/runbook/parameters.ts";
import { checkParameters } from "#protocol/runbook/parameters.ts";

/** What each field of the form holds, by parameter name. */
export type Answers = Record<string, string | boolean>;

/** What the form begins with: values of an earlier execution where they are given, else the defaults. */
export function initialAnswers(
  parameters: readonly Parameter[],
  earlier: Partial<ParameterValues> = {},
): Answers {
  return Object.fromEntries(
    parameters.map((parameter) => {
      const value =
        (Object.hasOwn(earlier, parameter.name) ? earlier[parameter.name] : undefined) ?? parameter.default;
      if (parameter.type === "boolean") return [parameter.name, value === true];
      return [parameter.name, value === undefined ? "" : String(value)];
    }),
  );
}

export type Checked = { ok: true; values: ParameterValues } | { ok: false; problems: Record<string, string> };

/** The values to send, or what is wrong by parameter name: the server checks with the same rules. */
export function checkAnswers(parameters: readonly Parameter[], answers: Answers): Checked {
  const given: Record<string, unknown> = {};
  for (const parameter of parameters) {
    // A name may be one that every object has.
    const answer = Object.hasOwn(answers, parameter.name) ? answers[parameter.name] : undefined;
    const value = typedAnswer(parameter, answer);
    if (value !== undefined) given[parameter.name] = value;
  }
  const missing = parameters.filter((each) => isRequired(each) && !Object.hasOwn(given, each.name));
  const checked = checkParameters(parameters, given);
  const problems: Record<string, string> = {};
  if (!checked.ok) for (const { name, message } of checked.problems.toReversed()) problems[name] = message;
  for (const { name } of missing) problems[name] = "This is needed.";
  if (checked.ok && Object.keys(problems).length === 0) return { ok: true, values: checked.values };
  return { ok: false, problems };
}

export function isRequired(parameter: Parameter): boolean {
  return parameter.required !== false && parameter.default === undefined && parameter.type !== "boolean";
}

function typedAnswer(parameter: Parameter, answer: string | boolean | undefined): unknown {
  if (parameter.type === "boolean") return answer === true;
  if (typeof answer !== "string") return undefined;
  if (parameter.type === "number") {
    // Not a number stays text, so that the check says so.
    const number = Number(answer);
    return answer.trim() === "" ? undefined : Number.isNaN(number) ? answer : number;
  }
  // An emptied text with a default is meant to be empty; without one it was never filled in.
  return answer === "" && (parameter.type === "choice" || parameter.default === undefined)
    ? undefined
    : answer;
}
