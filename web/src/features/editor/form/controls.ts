/** Which control of a form fits a type of field. Pure: a new field gets its control by itself. */
import type { Field, FieldType } from "#protocol/runbook/fieldTypes.ts";

export type Control =
  /** A line of text; of a list with commas between its entries. */
  | { is: "line"; list?: "texts" | "numbers" }
  | { is: "number" }
  | { is: "question" }
  | { is: "lines" }
  /** Text, or an expression. */
  | { is: "value" }
  | { is: "choice"; options: readonly string[] }
  | { is: "tick" }
  /** Names with values, and lists of sets: a few lines of YAML. */
  | { is: "yaml" }
  /** Fields of its own. `short`: the word of the field that may stand for the whole. */
  | { is: "set"; fields: readonly Field[]; short: string | undefined }
  /** Blocks inside of the block: those are for the source. */
  | { is: "source" };

export function controlOf(type: FieldType): Control {
  switch (type.is) {
    case "text":
    case "duration":
    case "size":
    case "expression":
      return { is: "line" };
    case "names":
      return { is: "line", list: "texts" };
    case "numbers":
      return { is: "line", list: "numbers" };
    case "number":
      return { is: "number" };
    case "question":
      return { is: "question" };
    case "lines":
      return { is: "lines" };
    case "value":
      return { is: "value" };
    case "choice":
      return { is: "choice", options: type.options };
    case "boolean":
      return { is: "tick" };
    case "values":
    case "sent":
    case "secrets":
    case "arguments":
    case "texts":
    case "body":
      return { is: "yaml" };
    case "group": {
      if (type.isList) return { is: "yaml" };
      const fields = type.fields(undefined);
      return { is: "set", fields, short: fields.find(({ key }) => key === type.short?.key)?.word };
    }
    case "block":
    case "blocks":
    case "branches":
      return { is: "source" };
    default:
      return type satisfies never;
  }
}
