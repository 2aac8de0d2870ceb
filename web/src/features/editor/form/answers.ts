/** What a form holds for a block: its fields as texts, and back. Pure. */

import type { Field, FieldType } from "#protocol/runbook/fieldTypes.ts";
import { IssueList } from "#protocol/runbook/issues.ts";
import { printYaml } from "#protocol/runbook/printYaml.ts";
import { readYaml } from "#protocol/runbook/yaml.ts";
import { type Control, controlOf } from "./controls.ts";

export interface Answer {
  /** "" when it is left out. */
  text: string;
  /** Of a value: its text is an expression. */
  isExpression?: boolean;
}

/** By the word of the field; of one inside a set by both words, as in `retry.delay`. */
export type Answers = Readonly<Record<string, Answer>>;

/** What is wrong, by the same words; "" for what belongs to no field. */
export type Problems = Readonly<Record<string, string>>;

type Words = Readonly<Record<string, unknown>>;

const NONE: Answer = { text: "" };

/** How a block, or a set in it, fills the form. What the form cannot show is not among the answers. */
export function answersOf(fields: readonly Field[], words: Words, path = ""): Answers {
  return Object.fromEntries(
    fields.flatMap(({ word, type }) => {
      const control = controlOf(type);
      const written = words[word] ?? undefined;
      const at = path + word;
      if (control.is === "set")
        return Object.entries(answersOf(control.fields, setOf(control, written), `${at}.`));
      const answer = answerOf(control, written);
      return answer ? [[at, answer]] : [];
    }),
  );
}

/**
 * The words of a block as the form has them. What the form does not show, and
 * what was not changed, stays as it was written.
 */
export function wordsOfAnswers(
  fields: readonly Field[],
  answers: Answers,
  before: Words,
  path = "",
): { words: Words; problems: Problems } {
  const words: Record<string, unknown> = {};
  const problems: Record<string, string> = {};
  for (const { word, type, isRequired } of fields) {
    const control = controlOf(type);
    const at = path + word;
    if (control.is === "set") {
      const old = setOf(control, before[word]);
      const inside = wordsOfAnswers(control.fields, answers, old, `${at}.`);
      Object.assign(problems, inside.problems);
      const value = isSame(inside.words, old) ? before[word] : shortest(control, inside.words);
      if (value !== undefined) words[word] = value;
      continue;
    }
    const answer = answers[at];
    const read: Read = answer ? readAnswer(control, answer) : { ok: true, value: before[word] };
    if (!read.ok) problems[at] = read.problem;
    else {
      const value = read.value ?? (isRequired ? exampleOf(type) : undefined);
      if (value !== undefined) words[word] = value;
    }
  }
  return { words, problems };
}

type Read = { ok: true; value: unknown } | { ok: false; problem: string };

function answerOf(control: Control, written: unknown): Answer | undefined {
  if (control.is === "source") return undefined;
  if (written === undefined) return NONE;
  const answer = asAnswer(control, written);
  const read = readAnswer(control, answer);
  return read.ok && isSame(read.value, written) ? answer : undefined;
}

function asAnswer(control: Control, written: unknown): Answer {
  if (control.is === "yaml") return { text: printYaml(written).trimEnd() };
  if (control.is === "value" && typeof written === "object" && written !== null && "expr" in written) {
    return { text: String(written.expr), isExpression: true };
  }
  return { text: Array.isArray(written) ? written.join(", ") : String(written) };
}

function readAnswer(control: Control, { text, isExpression }: Answer): Read {
  const is = (value: unknown): Read => ({ ok: true, value });
  if (text.trim() === "") return is(undefined);
  switch (control.is) {
    case "line":
      if (!control.list) return is(text);
      return is(entriesOf(text).map((entry) => (control.list === "numbers" ? numberOr(entry) : entry)));
    case "number":
      return is(numberOr(text.trim()));
    case "question":
      return is(text === "true" ? true : text);
    case "tick":
      return is(text === "true");
    case "value":
      return is(isExpression ? { expr: text } : text);
    case "yaml":
      return yamlOf(text);
    case "lines":
    case "choice":
      return is(text);
    case "set":
    case "source":
      return is(undefined);
    default:
      return control satisfies never;
  }
}

function entriesOf(text: string): string[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

/** What is no number stays what it is, for the parser to refuse. */
function numberOr(text: string): number | string {
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : text;
}

function yamlOf(text: string): Read {
  const issues = new IssueList();
  const { value } = readYaml(text, (line, column) => ({ line, column }), issues);
  const [issue] = issues.list();
  return issue ? { ok: false, problem: `line ${issue.line}: ${issue.message}` } : { ok: true, value };
}

function setOf({ short }: Extract<Control, { is: "set" }>, written: unknown): Words {
  if (typeof written === "object" && written !== null) return { ...written };
  return written === undefined || written === null || short === undefined ? {} : { [short]: written };
}

function shortest({ short }: Extract<Control, { is: "set" }>, words: Words): unknown {
  const [only, ...others] = Object.keys(words);
  if (only === undefined) return undefined;
  return only === short && others.length === 0 ? words[only] : words;
}

/** Something to replace, where a block cannot be without what only the source can hold. */
function exampleOf(type: FieldType): unknown {
  const block = { kind: "instruction", markdown: "Replace this with what is to be done." };
  if (type.is === "blocks") return [block];
  return type.is === "branches" ? [[block], [block]] : undefined;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
