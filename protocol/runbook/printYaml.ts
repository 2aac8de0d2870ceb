/** Fields of a document as YAML that parses back to exactly the same. */
import { Document, Scalar, visit } from "yaml";
import type { Block } from "../blocks/index.ts";
import { variableOf } from "../secrets.ts";
import { fieldsOf } from "./fields.ts";
import { type Field, type FieldType, unitOf } from "./fieldTypes.ts";

const BENDABLE =
  /[^\n\x20-\x7e\u{a1}-\u{167f}\u{2030}-\u{205e}\u{3001}-\u{d7ff}\u{10000}-\u{10ffff}]|^\s|[^\S\n]$|[^\S\n]\n|\n\n\n|\n\n$/u;

/** Strings that YAML's block form could bend (odd characters, spaces at the ends of lines) are quoted. */
export function printYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === "string" && BENDABLE.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({
    lineWidth: 0,
    blockQuote: "literal",
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  });
}

/** A block with its fields by their words, in the order of the table. */
export function wordsOfBlock(block: Block): Record<string, unknown> {
  return { kind: block.kind, ...wordsOf(block, fieldsOf(block.kind)) };
}

/** The fields of a part of the document by their words. */
export function wordsOf(part: object, fields: readonly Field[]): Record<string, unknown> {
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(part));
  const words: Record<string, unknown> = {};
  for (const { word, key, type } of fields) {
    const value = values.get(key);
    if (value !== undefined) words[word] = writtenValue(type, value);
  }
  return words;
}

/** A value of the document as it is written. */
export function writtenValue(type: FieldType, value: unknown): unknown {
  const unit = unitOf(type);
  if (unit && typeof value === "number") return unit.print(value);
  if (typeof value !== "object" || value === null) return value;
  switch (type.is) {
    case "group":
      return Array.isArray(value) ? value.map((each) => group(type, each)) : group(type, value);
    case "secrets":
      return namesAlone(value) ?? value;
    case "block":
      return wordsOfBlock(value as Block);
    case "blocks":
      return (value as Block[]).map(wordsOfBlock);
    case "branches":
      return (value as Block[][]).map((branch) => branch.map(wordsOfBlock));
    default:
      return value;
  }
}

/** The names of secrets that are all in variables called like them. */
function namesAlone(uses: object): string[] | undefined {
  const entries = Object.entries(uses);
  const isPlain = ([variable, use]: [string, unknown]) =>
    typeof use === "string" && variableOf(use) === variable;
  return entries.every(isPlain) ? entries.map(([, use]) => String(use)) : undefined;
}

function group(type: Extract<FieldType, { is: "group" }>, value: object): unknown {
  const words = wordsOf(value, type.fields(value));
  const [only, ...others] = Object.entries(words);
  const shortWord = type.fields(value).find(({ key }) => key === type.short?.key)?.word;
  return only && others.length === 0 && only[0] === shortWord ? only[1] : words;
}
