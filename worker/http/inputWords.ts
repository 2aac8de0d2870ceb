/** What a schema refuses of a request, in words: the same as for runbooks, with JSON's names for things. */
import type { z } from "zod";
import type { ProblemIssue } from "#protocol/errors.ts";
import { hasOwnWords, innermost, oneOf, sentenceOf } from "#protocol/runbook/sentences.ts";

const NOUNS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  null: "null",
};

/** One problem of a schema as the API tells it. @param where `body`, `query` or `path` */
export function issueOf(found: z.core.$ZodIssue, value: unknown, where: string): ProblemIssue {
  const issue = innermost(found);
  const subject = issue.path.length === 0 ? `the ${where}` : `"${issue.path.map(String).join(".")}"`;
  const isMissing = issue.path.length > 0 && at(value, issue.path) === undefined;
  const sentence = sentenceOf(issue, { subject, hint: choiceOf(issue), isMissing, nouns: NOUNS });
  // A schema's own words do not know what they are about.
  const message = sentence === issue.message ? `${subject}: ${sentence}` : sentence;
  return { path: pointer(issue.path), message };
}

/** What a value of several forms may be, to stand behind "must be". */
function choiceOf(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code !== "invalid_union") return undefined;
  if ("options" in issue && Array.isArray(issue.options)) return oneOf(issue.options.map(String));
  const forms = issue.errors.flatMap(([first]) => (first ? [formOf(first)] : []));
  return forms.length > 0 ? oneOf([...new Set(forms)]) : undefined;
}

function formOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return NOUNS[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return oneOf(issue.values.map(String));
  return hasOwnWords(issue) ? issue.message : "another value";
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inside, key) => (typeof inside === "object" && inside !== null ? Reflect.get(inside, key) : undefined),
    value,
  );
}

/** RFC 6901; empty for the whole. */
function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
