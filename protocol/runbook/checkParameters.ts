/** What is wrong with a list of parameters, or with the form of a block, as a whole. */
import type { DocumentIssue } from "./check.ts";
import type { Parameter } from "./parameters.ts";

export function parameterProblems(parameters: readonly Parameter[]): DocumentIssue[] {
  return parameters.flatMap((parameter, index) => {
    const isRepeated = parameters.slice(0, index).some(({ name }) => name === parameter.name);
    const repeated = { path: [index, "name"], message: `the name "${parameter.name}" is used twice` };
    return [...(isRepeated ? [repeated] : []), ...rangeProblems(parameter, index)];
  });
}

function rangeProblems(parameter: Parameter, index: number): DocumentIssue[] {
  if (parameter.type !== "number" || parameter.min === undefined || parameter.max === undefined) return [];
  if (parameter.min <= parameter.max) return [];
  const message = `nothing can be at least ${parameter.min} and at most ${parameter.max}; swap min and max`;
  return [{ path: [index, "min"], message }];
}
