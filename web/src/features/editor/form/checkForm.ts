/** A filled form becomes the text of its block, or everything that is wrong with it at its fields. Pure. */
import type { BlockKind } from "#protocol/blocks/index.ts";
import { printWrittenBlock, type WrittenBlock } from "#protocol/runbook/blockSource.ts";
import { fieldsOf } from "#protocol/runbook/fields.ts";
import { parseRunbook } from "#protocol/runbook/markdown.ts";
import { printYamlBlock } from "#protocol/runbook/print.ts";
import { type Answers, type Problems, wordsOfAnswers } from "./answers.ts";
import { inSlot, type Slot } from "./blockAt.ts";
import { controlOf } from "./controls.ts";

interface Filled {
  kind: BlockKind;
  answers: Answers;
  /** The block as it is written now; nothing of a new one. */
  before: WrittenBlock;
  /** It is YAML now, and stays so. */
  isYaml: boolean;
}

export type CheckedForm = { ok: true; text: string } | { ok: false; problems: Problems };

/** The parser has the last word: it reads the page with the block in its place, so that it sees what expressions name. */
export function checkForm(
  source: string,
  slot: Slot,
  { kind, answers, before, isYaml }: Filled,
): CheckedForm {
  const made = wordsOfAnswers(fieldsOf(kind), answers, before);
  if (Object.keys(made.problems).length > 0) return { ok: false, problems: made.problems };
  const words = { kind, ...made.words };
  // As YAML, each field has a line of its own: where the parser points is which field it means.
  const yaml = printYamlBlock(words);
  const problems = problemsIn(source, slot, yaml, kind);
  if (Object.keys(problems).length > 0) return { ok: false, problems };
  return { ok: true, text: inSlot(slot, printWrittenBlock(words, isYaml)) };
}

function problemsIn(source: string, slot: Slot, yaml: string, kind: BlockKind): Problems {
  const head = source.slice(0, slot.from) + slot.before;
  const parsed = parseRunbook(source.slice(0, slot.from) + inSlot(slot, yaml) + source.slice(slot.to));
  if (parsed.ok) return {};
  const first = head.split("\n").length;
  const lines = yaml.split("\n");
  const problems: Record<string, string> = {};
  for (const { line = 0, message } of parsed.issues) {
    if (line < first || line >= first + lines.length) continue;
    const at = fieldAt(lines, line - first, message, kind);
    problems[at] ??= message;
  }
  return problems;
}

/** The words of the field on this line; what is told of the block as a whole begins with the field that is meant. */
function fieldAt(lines: readonly string[], index: number, message: string, kind: BlockKind): string {
  const above = lines.slice(0, index + 1);
  const outer = above.flatMap((line) => /^([a-z][\w-]*):/.exec(line)?.[1] ?? []).at(-1);
  const named = /^"([a-z-]+)/.exec(message)?.[1];
  const word = outer === undefined || outer === "kind" ? named : outer;
  const field = fieldsOf(kind).find((each) => each.word === word);
  if (!field) return "";
  const control = controlOf(field.type);
  if (control.is !== "set") return field.word;
  const inner =
    /^ {2}([a-z][\w-]*):/.exec(lines[index] ?? "")?.[1] ?? /^"[a-z-]+ ([a-z-]+)/.exec(message)?.[1];
  const inside = control.fields.find((each) => each.word === inner) ?? control.fields[0];
  return inside ? `${field.word}.${inside.word}` : field.word;
}
