/** Pieces of a page become blocks: still unchecked, but each knowing where it was written. */
import { readAttributes } from "./attributes.ts";
import type { BlockKind, Interpreter } from "./document.ts";
import { ATTRIBUTES, BLOCK_FIELDS, fieldsOf, isBlockKind, readField } from "./fields.ts";
import type { IssueList, Position } from "./issues.ts";
import { interpreterOf } from "./languages.ts";
import { NameBook, slugOf } from "./names.ts";
import { unknownField } from "./sentences.ts";
import type { Fence, Piece } from "./structure.ts";
import { readYaml } from "./yaml.ts";

export interface Draft {
  kind: BlockKind;
  /** Fields of the document, as far as they could be read; `kind` and `id` are kept apart. */
  fields: Record<string, unknown>;
  /** The name it was given; anything, until it is checked. */
  name?: unknown;
  heading?: string;
  at: Position;
  /** Where a field of the document was written. */
  locate(key: string): Position;
}

export function draftBlocks(pieces: readonly Piece[], issues: IssueList): Draft[] {
  const drafts: Draft[] = [];
  let marker: (Piece & { type: "marker" }) | undefined;
  for (const piece of pieces) {
    if (piece.type === "prose") {
      drafts.push(draftProse(piece.text, marker?.at ?? piece.at, marker?.name));
      marker = undefined;
      continue;
    }
    if (marker) reportLoneMarker(marker.at, issues);
    marker = undefined;
    if (piece.type === "marker") {
      marker = piece;
      continue;
    }
    const draft = draftFence(piece, issues);
    if (draft) drafts.push(draft);
  }
  if (marker) reportLoneMarker(marker.at, issues);
  return drafts;
}

/** Every block with its name: the one it was given, or one made from where it stands. */
export function nameBlocks(drafts: readonly Draft[]): Array<Record<string, unknown>> {
  const given = drafts.map((draft) => draft.name).filter((name) => typeof name === "string");
  const book = new NameBook(given);
  const counts = { instruction: 0, command: 0 } satisfies Record<BlockKind, number>;
  return drafts.map((draft) => {
    counts[draft.kind] += 1;
    const id = draft.name ?? book.take(generatedName(draft, counts[draft.kind]));
    return { kind: draft.kind, id, ...draft.fields };
  });
}

/** The name of the n-th instruction, unless it is given another. */
export function instructionName(ordinal: number): string {
  return `note-${ordinal}`;
}

function generatedName(draft: Draft, ordinal: number): string {
  if (draft.kind === "instruction") return instructionName(ordinal);
  return (draft.heading && slugOf(draft.heading)) ?? `step-${ordinal}`;
}

function draftProse(markdown: string, at: Position, name?: string): Draft {
  return { kind: "instruction", fields: { markdown }, name, at, locate: () => at };
}

function draftFence(fence: Fence, issues: IssueList): Draft | undefined {
  const interpreter = interpreterOf(fence.info);
  if (!interpreter) return draftYaml(fence, issues);
  const draft = new CommandDraft(fence, interpreter);
  for (const attribute of readAttributes(fence.info, fence.infoAt, issues)) draft.set(attribute, issues);
  return draft;
}

class CommandDraft implements Draft {
  readonly kind = "command";
  readonly fields: Record<string, unknown>;
  name: string | undefined;
  readonly heading: string | undefined;
  readonly at: Position;
  readonly #positions = new Map<string, Position>();

  constructor(fence: Fence, interpreter: Interpreter) {
    // Blank lines are no script: the schema says so for both.
    this.fields = { interpreter, script: fence.content.trim() === "" ? "" : fence.content };
    this.heading = fence.heading;
    this.at = fence.at;
  }

  locate(key: string): Position {
    return this.#positions.get(key) ?? this.at;
  }

  set(attribute: { name: string; value: string; at: Position }, issues: IssueList): void {
    const word = ATTRIBUTES.find((name) => name === attribute.name);
    if (!word) {
      const known = ATTRIBUTES.join(", ");
      issues.add(
        attribute.at,
        `unknown attribute "${attribute.name.slice(0, 60)}"; a command block knows ${known}`,
      );
      return;
    }
    const field = BLOCK_FIELDS.command[word];
    if (this.#positions.has(field.key)) {
      issues.add(attribute.at, `"${word}" stands here twice; remove one`);
      return;
    }
    this.#positions.set(field.key, attribute.at);
    const read = readField(word, field, attribute.value);
    if (!read.ok) issues.add(attribute.at, read.message);
    else if (word === "name") this.name = attribute.value;
    else this.fields[field.key] = read.value;
  }
}

function draftYaml(fence: Fence, issues: IssueList): Draft | undefined {
  const yaml = readYaml(fence.content, fence.place, issues);
  const kinds = Object.keys(BLOCK_FIELDS).join(", ");
  if (yaml.value === undefined) return undefined;
  if (typeof yaml.value !== "object" || yaml.value === null || Array.isArray(yaml.value)) {
    issues.add(
      fence.at,
      `a farhand block is a set of \`key: value\` lines that begins with its kind: ${kinds}`,
    );
    return undefined;
  }
  const { kind, ...written } = yaml.value as Record<string, unknown>;
  if (!isBlockKind(kind)) {
    const what =
      kind === undefined ? "this block has no kind" : `unknown block kind "${String(kind).slice(0, 60)}"`;
    issues.add(yaml.locate(["kind"]), `${what}; the kinds are ${kinds}`);
    return undefined;
  }
  const known = fieldsOf(kind);
  const fields: Record<string, unknown> = kind === "command" ? { interpreter: "bash" } : {};
  for (const [word, value] of Object.entries(written)) {
    const field = known.get(word);
    const read = field && readField(word, field, value);
    if (!read) issues.add(yaml.locate([word]), unknownField(word, ["kind", ...known.keys()]));
    else if (!read.ok) issues.add(yaml.locate([word]), read.message);
    else fields[field.key] = read.value;
  }
  const { id: name, ...rest } = fields;
  const wordOf = new Map([...known].map(([word, field]) => [field.key, word]));
  return {
    kind,
    fields: rest,
    name,
    heading: fence.heading,
    at: fence.at,
    locate: (key) => yaml.locate([wordOf.get(key) ?? key]),
  };
}

function reportLoneMarker(at: Position, issues: IssueList): void {
  issues.add(at, "this names the prose below it, but there is none; write some or remove the comment");
}
