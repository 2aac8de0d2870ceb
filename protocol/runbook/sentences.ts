/** The words for what a schema refuses. */
import type { z } from "zod";

export interface Naming {
  /** What the sentence is about: the field, in quotes, as it is called where it was written. */
  subject: string;
  /** What may be written there. */
  hint?: string;
  /** Nothing was written there at all. */
  isMissing: boolean;
  /** Writes a limit in the unit the field is written in. */
  print?: (value: number) => string;
  /** What the types are called there; as in YAML when absent. */
  nouns?: Readonly<Record<string, string>>;
}

/** One zod issue as a sentence that names the field and says what to write instead. */
export function sentenceOf(issue: z.core.$ZodIssue, naming: Naming): string {
  const field = naming.subject;
  const print = naming.print ?? String;
  if (naming.isMissing && ["invalid_type", "invalid_union", "invalid_value"].includes(issue.code)) {
    return `${field} is missing`;
  }
  switch (issue.code) {
    case "invalid_type":
      return `${field} must be ${(naming.nouns ?? yamlNouns(naming.hint))[issue.expected] ?? issue.expected}`;
    case "invalid_union":
      return `${field} must be ${naming.hint ?? "something else"}`;
    case "invalid_value":
      return `${field} must be ${oneOf(issue.values.map(String))}`;
    case "too_big":
      return hasOwnWords(issue)
        ? issue.message
        : `${field} may be at most ${print(Number(issue.maximum))}${unitOf(issue.origin)}`;
    case "too_small":
      if (hasOwnWords(issue)) return issue.message;
      return Number(issue.minimum) === 1 && issue.origin !== "number"
        ? `${field} must not be empty`
        : `${field} must be at least ${print(Number(issue.minimum))}${unitOf(issue.origin)}`;
    case "invalid_key":
    case "invalid_element":
      return `${field} has an entry whose name is not possible here${reasonOf(issue)}`;
    case "invalid_format":
      return hasOwnWords(issue) ? issue.message : `${field} does not have the form that is expected here`;
    case "not_multiple_of":
      return `${field} must be a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return `${field} has no field "${issue.keys.join('", "').slice(0, 60)}"`;
    default:
      return issue.message;
  }
}

/** The choice between these, to stand behind "must be". */
export function oneOf(options: readonly string[]): string {
  return options.length > 2 ? `one of ${options.join(", ")}` : options.join(" or ");
}

/** The words for a field nobody knows. */
export function unknownField(name: string, known: readonly string[]): string {
  return `unknown field "${name.slice(0, 60)}"; known here: ${known.join(", ")}`;
}

/**
 * Of several forms that a value may have, the one that was meant tells more:
 * the one where only something inside of it is wrong.
 */
export function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== "invalid_union") return issue;
  const meant = issue.errors.find((each) => each.length > 0 && each.every(({ path }) => path.length > 0));
  const [first] = meant ?? [];
  return first ? innermost({ ...first, path: [...issue.path, ...first.path] }) : issue;
}

/** The library's own messages begin like this; those of the schemas never do. */
export function hasOwnWords(issue: { message: string }): boolean {
  return !/^(?:Too|Invalid) /.test(issue.message);
}

/** Why a key was refused, where the schema says it in its own words. */
function reasonOf(issue: z.core.$ZodIssue): string {
  const reason = "issues" in issue ? issue.issues[0] : undefined;
  return reason && hasOwnWords(reason) ? `: ${reason.message}` : "";
}

function yamlNouns(hint: string | undefined): Record<string, string> {
  return {
    string: "a text; put it in quotes",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    array: "a list, with one `- ` for each entry",
    object: hint ?? "a set of `key: value` lines",
    record: "a set of `key: value` lines",
  };
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}
