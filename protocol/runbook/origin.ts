/** Where each part of a document was written, and what it is called there. */
import type { Field } from "./fieldTypes.ts";
import type { Position } from "./issues.ts";

/**
 * One part of a source. The parts of plain YAML go by its keys; those of a
 * block or of another set of fields go by the names of the document.
 */
export interface Origin {
  readonly at: Position;
  readonly parts: ReadonlyMap<string, Origin>;
  /** Which field it is, when it is one. */
  readonly field?: Field;
  /** The fields that it may have, when it is a set of them. */
  readonly fields?: readonly Field[];
  /** A block: what it is called inside of others says nothing about its own fields. */
  readonly isBlock?: boolean;
  /** Something about it is told already; what follows from that is not. */
  readonly isTold?: boolean;
}

const NO_PARTS: ReadonlyMap<string, Origin> = new Map();

/** A part without parts of its own. */
export function originAt(at: Position): Origin {
  return { at, parts: NO_PARTS };
}

/** A part of which the reader has told what is wrong. */
export function toldAt(at: Position): Origin {
  return { at, parts: NO_PARTS, isTold: true };
}

export interface Found {
  /** The nearest thing that was really written. */
  at: Position;
  /** What it is called there, as in `target labels tier`. */
  name: string;
  /** The field it belongs to, and how many keys below that it lies. */
  field?: Field;
  below: number;
  /** False when it was never written itself. */
  isWritten: boolean;
  isTold: boolean;
}

/** Follows a path of the document through its source. */
export function findOrigin(root: Origin, path: readonly PropertyKey[]): Found {
  const found: Found = { at: root.at, name: "", below: 0, isWritten: true, isTold: root.isTold ?? false };
  let words: string[] = [];
  let here: Origin | undefined = root;
  for (const key of path) {
    const next: Origin | undefined = here?.parts.get(String(key));
    const field: Field | undefined = next?.field ?? here?.fields?.find((each) => each.key === key);
    if (next?.isBlock) words = [];
    else words.push(field?.word ?? (typeof key === "number" ? String(key + 1) : String(key)));
    found.below = field ? 0 : found.below + 1;
    found.field = field ?? (next?.isBlock ? undefined : found.field);
    found.at = next?.at ?? found.at;
    found.isTold ||= next?.isTold ?? false;
    here = next;
  }
  return { ...found, name: words.join(" "), isWritten: here !== undefined };
}
