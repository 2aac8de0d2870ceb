/** What a runbook asks for before it runs, and how an answer is checked. */
import { z } from "zod";
import {
  PARAMETER_VALUE_MAX_BYTES,
  PARAMETERS_MAX,
  PATTERN_MAX_CHARACTERS,
  PATTERN_VALUE_MAX_BYTES,
  PATTERNS_MAX_INSTRUCTIONS,
} from "../limits.ts";
import { type CompiledPattern, compilePattern, type Pattern } from "./patterns.ts";

/** Of a parameter: part of an environment name, so kept plain. */
export const parameterNameSchema = z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]{0,62}$/, {
  error: "a parameter name is letters, digits and underscores, starting with a letter",
});

const common = {
  name: parameterNameSchema,
  description: z.string().max(500).optional(),
  /** Must be given when there is no default. True when absent. */
  required: z.boolean().optional(),
};

export const parameterSchema = z
  .discriminatedUnion("type", [
    z.strictObject({
      ...common,
      type: z.literal("string"),
      default: z.string().optional(),
      pattern: z
        .string()
        .meta({ maxLength: PATTERN_MAX_CHARACTERS })
        .optional()
        .describe("A regular expression in RE2 syntax that the whole value matches."),
    }),
    z.strictObject({
      ...common,
      type: z.literal("number"),
      default: z.number().optional(),
      min: z.number().optional(),
      max: z.number().optional(),
    }),
    z.strictObject({ ...common, type: z.literal("boolean"), default: z.boolean().optional() }),
    z.strictObject({
      ...common,
      type: z.literal("choice"),
      options: z.array(z.string().min(1)).min(1).max(100),
      default: z.string().optional(),
    }),
  ])
  .superRefine((parameter, context) => {
    const problem = definitionProblem(parameter);
    if (problem) context.addIssue({ code: "custom", ...problem });
  })
  .meta({ id: "Parameter" });

/** All parameters of a runbook. A default meets its pattern only when the patterns together are cheap. */
export const parametersSchema = z
  .array(parameterSchema)
  .max(PARAMETERS_MAX)
  .superRefine((parameters, context) => {
    let left = PATTERNS_MAX_INSTRUCTIONS;
    parameters.forEach((parameter, index) => {
      const compiled = compiledPattern(parameter);
      if (!compiled?.ok) return;
      left -= compiled.pattern.size;
      const problem =
        left < 0
          ? {
              path: ["pattern"],
              message: `up to "${parameter.name}", the patterns of this runbook have over ${PATTERNS_MAX_INSTRUCTIONS} instructions together; a counted repeat such as {1,63} counts as often as it repeats, so use * or +`,
            }
          : defaultProblem(parameter, compiled.pattern);
      if (problem)
        context.addIssue({ code: "custom", message: problem.message, path: [index, ...problem.path] });
    });
  });

export type Parameter = z.infer<typeof parameterSchema>;
export type ParameterValue = string | number | boolean;
export type ParameterValues = Record<string, ParameterValue>;

export interface ParameterProblem {
  name: string;
  message: string;
}

export type ParameterCheck =
  | { ok: true; values: ParameterValues }
  | { ok: false; problems: ParameterProblem[] };

/** Fills in defaults and checks every answer; unknown names are problems too. */
export function checkParameters(
  definitions: readonly Parameter[],
  given: Readonly<Record<string, unknown>>,
): ParameterCheck {
  const values: ParameterValues = {};
  const problems: ParameterProblem[] = [];
  for (const name of Object.keys(given)) {
    if (!definitions.some((definition) => definition.name === name)) {
      problems.push({ name, message: `this runbook has no parameter "${name}"` });
    }
  }
  for (const definition of definitions) {
    const value = Object.hasOwn(given, definition.name) ? given[definition.name] : definition.default;
    if (value === undefined || value === null || value === "") {
      if (definition.required !== false && value !== "") {
        problems.push({ name: definition.name, message: `"${definition.name}" is required` });
        continue;
      }
      if (value === undefined || value === null) continue;
    }
    const compiled = compiledPattern(definition);
    const problem = valueProblem(definition, value, compiled?.ok ? compiled.pattern : undefined);
    if (problem) problems.push({ name: definition.name, message: problem });
    else values[definition.name] = value as ParameterValue;
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, values };
}

/** The environment that carries parameters to a process: `FARHAND_PARAM_<NAME>`. */
export function parameterEnvironment(values: ParameterValues): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`FARHAND_PARAM_${name.toUpperCase()}`, String(value)]),
  );
}

interface DefinitionProblem {
  path: string[];
  message: string;
}

/** What is wrong with one definition, leaving out whether its default matches its pattern. */
function definitionProblem(parameter: Parameter): DefinitionProblem | undefined {
  const compiled = compiledPattern(parameter);
  if (compiled && !compiled.ok) {
    return { path: ["pattern"], message: `the pattern of "${parameter.name}" ${compiled.problem}` };
  }
  return defaultProblem(parameter);
}

function defaultProblem(parameter: Parameter, pattern?: Pattern): DefinitionProblem | undefined {
  if (parameter.default === undefined) return undefined;
  const problem = valueProblem(parameter, parameter.default, pattern);
  return problem
    ? { path: ["default"], message: `the default of "${parameter.name}" does not fit: ${problem}` }
    : undefined;
}

const compiledPatterns = new WeakMap<Parameter, CompiledPattern>();

/** The pattern of a definition, compiled once. */
function compiledPattern(parameter: Parameter): CompiledPattern | undefined {
  if (parameter.type !== "string" || !parameter.pattern) return undefined;
  const known = compiledPatterns.get(parameter);
  if (known) return known;
  const compiled = compilePattern(parameter.pattern);
  compiledPatterns.set(parameter, compiled);
  return compiled;
}

function valueProblem(parameter: Parameter, value: unknown, pattern?: Pattern): string | undefined {
  const name = `"${parameter.name}"`;
  switch (parameter.type) {
    case "string": {
      if (typeof value !== "string") return `${name} must be text`;
      if (value.includes("\0")) return `${name} may not contain NUL characters`;
      const bytes = new TextEncoder().encode(value).length;
      if (bytes > PARAMETER_VALUE_MAX_BYTES) return `${name} is over ${PARAMETER_VALUE_MAX_BYTES / 1024} KiB`;
      if (parameter.pattern && bytes > PATTERN_VALUE_MAX_BYTES) {
        return `${name} is over ${PATTERN_VALUE_MAX_BYTES / 1024} KiB, the most for a value with a pattern`;
      }
      return pattern && !pattern.matches(value) ? `${name} must match ${parameter.pattern}` : undefined;
    }
    case "number":
      if (typeof value !== "number" || !Number.isFinite(value)) return `${name} must be a number`;
      if (parameter.min !== undefined && value < parameter.min)
        return `${name} must be at least ${parameter.min}`;
      if (parameter.max !== undefined && value > parameter.max)
        return `${name} must be at most ${parameter.max}`;
      return undefined;
    case "boolean":
      return typeof value === "boolean" ? undefined : `${name} must be true or false`;
    case "choice":
      return typeof value === "string" && parameter.options.includes(value)
        ? undefined
        : `${name} must be one of ${parameter.options.join(", ")}`;
    default:
      return parameter satisfies never;
  }
}
