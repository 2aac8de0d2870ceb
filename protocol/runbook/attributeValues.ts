/** Values in the braces of a fence are texts: what they stand for, and back. */
import type { FieldType } from "./fieldTypes.ts";

/** The value that YAML would have there; the text itself when it is none of this type. */
export function attributeValue(type: FieldType, text: string): unknown {
  switch (type.is) {
    case "boolean":
      return text === "true" || (text === "false" ? false : text);
    case "question":
      return questionValue(text);
    case "names":
    case "secrets":
      return text.split(",");
    case "numbers":
      return text.split(",").map(numberOr);
    case "number":
    case "group":
      return numberOr(text);
    default:
      return text;
  }
}

/** What asks: `true` for the plain question, or its text. `false` and `no` ask nothing, which nobody has to write. */
export function questionValue(written: unknown): unknown {
  if (typeof written !== "string") return written;
  if (/^(?:true|yes)$/i.test(written)) return true;
  return /^(?:false|no)$/i.test(written) ? false : written;
}

/** The text for a value as YAML has it; undefined when braces cannot hold it. */
export function attributeText(type: FieldType, value: unknown): string | undefined {
  const text = Array.isArray(value) ? value.join(",") : String(value);
  return JSON.stringify(attributeValue(type, text)) === JSON.stringify(value) ? text : undefined;
}

function numberOr(text: string): number | string {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}
