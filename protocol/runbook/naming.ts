/** Every block gets a name: the one it was given, or one made from where it stands. */
import type { IssueList, Position } from "./issues.ts";
import { NameBook, slugOf } from "./names.ts";
import { findOrigin } from "./origin.ts";
import type { Draft } from "./readFields.ts";
import { addTitles } from "./titles.ts";

/** Room for what is put behind the name of the block around. */
const STEM_MAX = 50;

/**
 * Names those that have none, and gives those a title too: people should not
 * have to read a name that was made up. @param drafts the top level, in the order of the page
 */
export function nameDrafts(drafts: readonly Draft[]): void {
  const book = new NameBook([...namesIn(drafts)].map(({ name }) => name));
  addTitles(drafts);
  let instructions = 0;
  let others = 0;
  for (const draft of drafts) {
    const isInstruction = draft.block.kind === "instruction";
    if (isInstruction) instructions += 1;
    else others += 1;
    const own = (draft.heading && slugOf(draft.heading.text)) ?? `step-${others}`;
    nameDraft(draft, isInstruction ? instructionName(instructions) : own, book);
  }
}

/** The name of the n-th instruction of the page, unless it is given another. */
export function instructionName(ordinal: number): string {
  return `note-${ordinal}`;
}

/** Names that were given twice, anywhere in the tree. */
export function reportRepeatedNames(drafts: readonly Draft[], issues: IssueList): void {
  const seen = new Set<string>();
  for (const { name, at } of namesIn(drafts)) {
    if (seen.has(name)) issues.add(at, `the block name "${name}" is used twice`);
    seen.add(name);
  }
}

function nameDraft(draft: Draft, base: string, book: NameBook): void {
  draft.block.id ??= book.take(base);
  const stem = slugOf(String(draft.block.id).slice(0, STEM_MAX)) ?? "step";
  for (const [index, child] of draft.children.entries()) nameDraft(child, `${stem}-${index + 1}`, book);
  if (draft.undo) nameDraft(draft.undo, `${stem}-undo`, book);
}

function* namesIn(drafts: readonly Draft[]): Generator<{ name: string; at: Position }> {
  for (const { block, origin, children, undo } of drafts) {
    if (typeof block.id === "string") yield { name: block.id, at: findOrigin(origin, ["id"]).at };
    yield* namesIn(children);
    if (undo) yield* namesIn([undo]);
  }
}
