/** What can be written into a field of a block: the same for YAML, for fences, for documentation and for forms. */
import type { BlockKind } from "../blocks/index.ts";
import { oneOf } from "./sentences.ts";
import { parseDuration, parseSize, printDuration, printSize } from "./units.ts";

export interface Field {
  /** As it is written. */
  word: string;
  /** Its name in the document. */
  key: string;
  type: FieldType;
  /** What it is for, in Markdown: one sentence without its full stop. */
  doc: string;
  /** What is meant when it is left out, where the document demands something. */
  otherwise?: string;
  isRequired?: boolean;
  /** It may stand in the braces of a fence. */
  isAttribute?: boolean;
}

export type FieldType =
  | { is: (typeof PLAIN_TYPES)[number] }
  | { is: "choice"; options: readonly string[] }
  /** Fields of their own, or a list of such sets. */
  | { is: "group"; fields: (written: unknown) => readonly Field[]; isList: boolean; short?: ShortForm }
  /** One block of one of these kinds. */
  | { is: "block"; kinds: readonly BlockKind[] };

const PLAIN_TYPES = [
  "text",
  "lines",
  "number",
  "boolean",
  "question",
  "duration",
  "size",
  "expression",
  "value",
  "values",
  "sent",
  "secrets",
  "arguments",
  "body",
  "texts",
  "names",
  "numbers",
  "blocks",
  "branches",
] as const;

/** A single value instead of the group whose field `key` it is. */
export interface ShortForm {
  type: "number" | "string";
  key: string;
}

interface Unit {
  parse(text: string): number | undefined;
  print(value: number): string;
}

const UNITS: Readonly<Partial<Record<FieldType["is"], Unit>>> = {
  duration: { parse: parseDuration, print: printDuration },
  size: { parse: parseSize, print: printSize },
};

/** How values with a unit are written. */
export function unitOf(type: FieldType): Unit | undefined {
  return UNITS[type.is];
}

/** What is written into a field of this type, to stand behind "must be". */
export function hintOf(type: FieldType): string {
  switch (type.is) {
    case "text":
      return "a text";
    case "lines":
      return "a text, with `|` for one of several lines";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    case "question":
      return "true, or the question as a text";
    case "duration":
      return "a time such as 30s, 5m or 1h30m";
    case "size":
      return "a size such as 512KiB or 256MiB";
    case "expression":
      return "an expression";
    case "value":
      return "a text or `{expr: …}`";
    case "values":
      return "names, each with a text or `{expr: …}`";
    case "sent":
      return "names, each with a text, `{expr: …}` or `{secret: …}`";
    case "secrets":
      return "names of secrets, or variables, each with a secret or `{name: …, as: file}`";
    case "arguments":
      return "names, each with a text, a number, true, false or `{expr: …}`";
    case "body":
      return "a text, `{json: …}`, `{expr: …}` or `{secret: …}`";
    case "texts":
      return "names, each with a text";
    case "names":
      return "a list of texts";
    case "numbers":
      return "a list of whole numbers";
    case "blocks":
      return "a list of blocks";
    case "branches":
      return "a list of lists of blocks";
    case "choice":
      return oneOf(type.options);
    case "block":
      return `a block of the kind ${oneOf(type.kinds)}`;
    case "group":
      return groupHint(type);
    default:
      return type satisfies never;
  }
}

function groupHint({ isList, short }: Extract<FieldType, { is: "group" }>): string {
  const fields = "a set of `key: value` lines";
  const one = short ? `a ${short.type === "number" ? "number" : "text"} or ${fields}` : fields;
  return isList ? `a list, with ${one} for each entry` : one;
}
