/** The words for what a schema refuses. */
import type { z } from "zod";

export interface Naming {
  /** What the field is called where it was written. */
  field: string;
  /** What may be written there. */
  hint?: string;
  /** Nothing was written there at all. */
  isMissing: boolean;
  /** Writes a limit in the unit the field is written in. */
  print?: (value: number) => string;
}

/** One zod issue as a sentence that names the field and says what to write instead. */
export function sentenceOf(issue: z.core.$ZodIssue, naming: Naming): string {
  const field = `"${naming.field}"`;
  const print = naming.print ?? String;
  if (naming.isMissing && ["invalid_type", "invalid_union", "invalid_value"].includes(issue.code)) {
    return `${field} is missing`;
  }
  switch (issue.code) {
    case "invalid_type":
      return `${field} must be ${nounOf(issue.expected, naming.hint)}`;
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

/** The library's own messages begin like this; those of the schemas never do. */
function hasOwnWords(issue: { message: string }): boolean {
  return !/^(?:Too|Invalid) /.test(issue.message);
}

/** Why a key was refused, where the schema says it in its own words. */
function reasonOf(issue: z.core.$ZodIssue): string {
  const reason = "issues" in issue ? issue.issues[0] : undefined;
  return reason && hasOwnWords(reason) ? `: ${reason.message}` : "";
}

function nounOf(type: string, hint: string | undefined): string {
  const nouns: Record<string, string> = {
    string: "a text; put it in quotes",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    array: "a list, with one `- ` for each entry",
    object: hint ?? "a set of `key: value` lines",
    record: "a set of `key: value` lines",
  };
  return nouns[type] ?? type;
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}
