/** What is wrong with a source, gathered so that all of it can be told at once. */
import type { z } from "zod";
import type { ProblemIssue } from "../errors.ts";

/** A place in the source: line and column, both from 1. */
export interface Position {
  line: number;
  column: number;
}

/** More than anybody fixes in one go; a hostile source could hold a hundred thousand. */
const ISSUES_MAX = 50;

export class IssueList {
  readonly #issues: Array<ProblemIssue & Position> = [];

  add(at: Position, message: string): void {
    this.#issues.push({ path: "", message, line: at.line, column: at.column });
  }

  get empty(): boolean {
    return this.#issues.length === 0;
  }

  /** In the order of the source; a last entry says how many were left out. */
  list(): ProblemIssue[] {
    const sorted = this.#issues.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const shown = sorted.slice(0, ISSUES_MAX);
    const next = sorted[ISSUES_MAX];
    if (!next) return shown;
    const message = `and ${sorted.length - ISSUES_MAX} more; fix these first`;
    return [...shown, { ...next, message }];
  }
}

/** One zod issue as a sentence that names the field and says what to write instead. */
export function sentenceOf(issue: z.core.$ZodIssue, knownFields: (path: PropertyKey[]) => string[]): string {
  const field = fieldName(issue.path);
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? `${field} is missing: give it ${nounOf(issue.expected)}`
        : `${field} must be ${nounOf(issue.expected)}${issue.expected === "string" ? "; put it in quotes" : ""}`;
    case "unrecognized_keys":
      return unknownField(issue.keys[0] ?? "", knownFields(issue.path));
    case "invalid_union":
      return `${field} must be one of string, number, boolean, choice`;
    case "invalid_value":
      return `${field} must be one of ${issue.values.map(String).join(", ")}`;
    case "too_big":
      return `${field} is over its limit of ${issue.maximum} ${unitOf(issue.origin)}`;
    case "too_small":
      return hasOwnWords(issue.message) ? issue.message : `${field} must not be empty`;
    case "invalid_key":
    case "invalid_element":
      return `${field} has an entry that is empty or too long`;
    default:
      return issue.message;
  }
}

/** The words for a field nobody knows. */
export function unknownField(name: string, known: readonly string[]): string {
  return `unknown field "${name.slice(0, 60)}"; known here: ${known.join(", ")}`;
}

/** The library's own messages begin like this; the schemas' own never do. */
function hasOwnWords(message: string): boolean {
  return !message.startsWith("Too ") && !message.startsWith("Invalid ");
}

function fieldName(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part + 1}]` : `.${String(part)}`)).join("");
  return `"${text.replace(/^\./, "")}"`;
}

function nounOf(type: string): string {
  const nouns: Record<string, string> = {
    string: "a text",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    array: "a list (one `- ` line each)",
    object: "a set of `key: value` lines",
    record: "a set of `key: value` lines",
  };
  return nouns[type] ?? type;
}

function unitOf(origin: string): string {
  if (origin === "string") return "characters";
  return origin === "array" ? "entries" : "";
}
