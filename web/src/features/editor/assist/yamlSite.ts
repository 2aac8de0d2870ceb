/** The cursor in YAML: which fields may stand there. It goes by what can be read of YAML that is still being written. Pure. */
import { isMap, isScalar, isSeq, type Node, parseDocument, type YAMLMap } from "yaml";
import type { BlockKind } from "#protocol/blocks/index.ts";
import { BLOCK_KINDS, fieldsOf, isBlockKind } from "#protocol/runbook/fields.ts";
import type { Field, FieldType } from "#protocol/runbook/fieldTypes.ts";

/** What a piece of YAML may hold, as far as it has fields. */
export type Shape =
  | { is: "block"; kinds: readonly BlockKind[] }
  | { is: "set"; fields(written: unknown): readonly Field[] }
  | { is: "list"; of: Shape };

const ANY_BLOCK: Shape = { is: "block", kinds: BLOCK_KINDS };

/** Stands behind the word at the cursor while the YAML is read; nobody writes it. */
const MARK = "\uE000";

export interface YamlPlace {
  /** `value`: behind the word; else it is the word itself. */
  part: "word" | "value";
  word: string;
  fields: readonly Field[];
  kinds?: readonly BlockKind[];
  /** The other words of the same set. */
  written: ReadonlySet<string>;
  isFlow: boolean;
  /** From and to which column of the line a choice would replace. */
  from: number;
  to: number;
  /** Something follows the word. */
  hasValue: boolean;
}

/** @param line and column, from 0, in `lines` */
export function yamlPlace(
  lines: readonly string[],
  line: number,
  column: number,
  root: Shape,
): YamlPlace | undefined {
  const text = lines[line] ?? "";
  const spot = wordAt(text, column) ?? valueAt(text, column);
  if (!spot) return undefined;
  const { word, wordFrom, wordTo, hasColon } = spot;
  const marked = `${text.slice(0, wordFrom)}${word}${MARK}${hasColon ? "" : ":"}${text.slice(wordTo)}`;
  const document = parseDocument([...lines.slice(0, line), marked, ...lines.slice(line + 1)].join("\n"), {
    uniqueKeys: false,
    logLevel: "silent",
    prettyErrors: false,
  });
  const set = findSet(document.contents, root, `${word}${MARK}`);
  if (!set) return undefined;
  const { part, from, to, hasValue } = spot;
  return { part, word, from, to, hasValue, ...set };
}

interface Spot {
  part: "word" | "value";
  word: string;
  wordFrom: number;
  wordTo: number;
  hasColon: boolean;
  from: number;
  to: number;
  hasValue: boolean;
}

/** The cursor touches the first word of a line, of a list's entry, or of a pair in braces. */
function wordAt(text: string, column: number): Spot | undefined {
  const before = /(?:^(?:\s*-\s+)*\s*|[{,]\s*)([A-Za-z][\w-]*)?$/.exec(text.slice(0, column));
  if (!before) return undefined;
  const wordFrom = column - (before[1]?.length ?? 0);
  const wordTo = column + (/^[\w-]*/.exec(text.slice(column))?.[0].length ?? 0);
  const rest = text.slice(wordTo);
  const hasColon = /^\s*:(?:\s|$)/.test(rest);
  // More words on the line: it is a text, and this no key of it.
  if (!hasColon && !/^\s*(?:$|[},])/.test(rest)) return undefined;
  const word = text.slice(wordFrom, wordTo);
  return { part: "word", word, wordFrom, wordTo, hasColon, from: wordFrom, to: wordTo, hasValue: hasColon };
}

const VALUE = /(?:^(?:\s*-\s+)*\s*|[{,]\s*)([A-Za-z][\w-]*):\s+([^\s'"{}[\],#|>&*!]*)$/;

function valueAt(text: string, column: number): Spot | undefined {
  const match = VALUE.exec(text.slice(0, column));
  if (!match) return undefined;
  const [whole, word = "", value = ""] = match;
  const wordFrom = match.index + whole.lastIndexOf(`${word}:`);
  return {
    part: "value",
    word,
    wordFrom,
    wordTo: wordFrom + word.length,
    hasColon: true,
    from: column - value.length,
    to: column + (/^[^\s'"{}[\],#]*/.exec(text.slice(column))?.[0].length ?? 0),
    hasValue: true,
  };
}

type Found = Pick<YamlPlace, "fields" | "kinds" | "written" | "isFlow">;

function findSet(node: Node | null, shape: Shape, marked: string): Found | undefined {
  if (shape.is === "list") {
    if (!isSeq<Node | null>(node)) return undefined;
    return firstOf(node.items, (item) => findSet(item, shape.of, marked));
  }
  if (!isMap<Node, Node | null>(node)) return undefined;
  const fields = fieldsIn(node, shape);
  const words = node.items.map(({ key }) => (isScalar(key) ? String(key.value) : ""));
  if (words.includes(marked)) {
    const kinds = shape.is === "block" ? { kinds: shape.kinds } : {};
    const written = new Set(words.filter((word) => word !== marked));
    return { fields, ...kinds, written, isFlow: node.flow === true };
  }
  return firstOf(node.items, ({ value }, index) => {
    const field = fields.find(({ word }) => word === words[index]);
    const inside = field && shapeOf(field.type);
    return inside && findSet(value, inside, marked);
  });
}

function firstOf<T>(
  items: readonly T[],
  find: (item: T, index: number) => Found | undefined,
): Found | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found) return found;
  }
  return undefined;
}

function fieldsIn(map: YAMLMap<Node, Node | null>, shape: Exclude<Shape, { is: "list" }>): readonly Field[] {
  const written = Object.fromEntries(
    map.items.map(({ key, value }) => [
      isScalar(key) ? String(key.value).replace(MARK, "") : "",
      isScalar(value) ? value.value : undefined,
    ]),
  );
  if (shape.is === "set") return shape.fields(written);
  // What a block may have is known once its kind is.
  return isBlockKind(written.kind) ? fieldsOf(written.kind) : [];
}

function shapeOf(type: FieldType): Shape | undefined {
  switch (type.is) {
    case "group": {
      const set: Shape = { is: "set", fields: type.fields };
      return type.isList ? { is: "list", of: set } : set;
    }
    case "block":
      return { is: "block", kinds: type.kinds };
    case "blocks":
      return { is: "list", of: ANY_BLOCK };
    case "branches":
      return { is: "list", of: { is: "list", of: ANY_BLOCK } };
    case "text":
    case "lines":
    case "number":
    case "boolean":
    case "question":
    case "duration":
    case "size":
    case "expression":
    case "value":
    case "values":
    case "sent":
    case "secrets":
    case "arguments":
    case "body":
    case "texts":
    case "names":
    case "numbers":
    case "choice":
      return undefined;
    default:
      return type satisfies never;
  }
}
