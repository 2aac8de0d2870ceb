/** Puts what a schema says where it was written, in the words it was written with. */
import type { z } from "zod";
import { type Field, hintOf, unitOf } from "./fieldTypes.ts";
import type { IssueList } from "./issues.ts";
import { findOrigin, type Origin } from "./origin.ts";
import { innermost, sentenceOf } from "./sentences.ts";

export function reportSchemaIssues(
  found: readonly z.core.$ZodIssue[],
  root: Origin,
  issues: IssueList,
): void {
  for (const issue of found.map(innermost)) {
    const { at, name, field, below, isWritten, isTold } = findOrigin(root, placeOf(issue));
    if (isTold) continue;
    const isMissing = !isWritten && below === 0;
    const print = field && below === 0 ? unitOf(field.type)?.print : undefined;
    issues.add(at, sentenceOf(issue, { subject: `"${name}"`, hint: hintAt(field, below), isMissing, print }));
  }
}

/** A list that is too long is told at its first entry too many. */
function placeOf(issue: z.core.$ZodIssue): PropertyKey[] {
  const isList = issue.code === "too_big" && issue.origin === "array";
  return isList ? [...issue.path, Number(issue.maximum)] : issue.path;
}

function hintAt(field: Field | undefined, below: number): string | undefined {
  if (!field || below === 0) return field && hintOf(field.type);
  switch (field.type.is) {
    case "values":
      return hintOf({ is: "value" });
    case "sent":
      return "a text, `{expr: …}` or `{secret: …}`";
    case "secrets":
      return "the name of a secret, or `{name: …, as: file}`";
    case "arguments":
      return "a text, a number, true, false or `{expr: …}`";
    default:
      return undefined;
  }
}
