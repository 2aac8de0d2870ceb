/**
 * The words that describe a block in Markdown, as attributes of a fence and as
 * YAML alike, and what they are called in the document.
 */
import type { BlockKind } from "./document.ts";
import { parseDuration, parseSize, printDuration, printSize } from "./units.ts";

interface Field {
  /** Its name in the document. */
  key: string;
  /** For values that are written with a unit. */
  unit?: {
    parse(text: string): number | undefined;
    print(value: number): string;
    hint: string;
  };
}

const duration = {
  parse: parseDuration,
  print: printDuration,
  hint: "a time such as 30s, 5m or 1h30m",
};
const size = { parse: parseSize, print: printSize, hint: "a size such as 512KiB or 256MiB" };

/** Fields that a fence may carry as attributes; the rest is the fence itself. */
export const ATTRIBUTES = ["name", "title", "timeout", "output", "on-disconnect"] as const;

export const BLOCK_FIELDS = {
  instruction: { name: { key: "id" }, markdown: { key: "markdown" } },
  command: {
    name: { key: "id" },
    title: { key: "title" },
    interpreter: { key: "interpreter" },
    timeout: { key: "timeoutMs", unit: duration },
    output: { key: "outputLimitBytes", unit: size },
    "on-disconnect": { key: "onDisconnect" },
    script: { key: "script" },
  },
} as const satisfies Record<BlockKind, Record<string, Field>>;

/** The fields of a kind, in the order they are printed. */
export function fieldsOf(kind: BlockKind): ReadonlyMap<string, Field> {
  return new Map<string, Field>(Object.entries(BLOCK_FIELDS[kind]));
}

export function isBlockKind(kind: unknown): kind is BlockKind {
  return typeof kind === "string" && Object.hasOwn(BLOCK_FIELDS, kind);
}

export type FieldValue = { ok: true; value: unknown } | { ok: false; message: string };

/** A value as it was written, in the form of the document. */
export function readField(name: string, field: Field, written: unknown): FieldValue {
  if (!field.unit) return { ok: true, value: written };
  const value = typeof written === "string" ? field.unit.parse(written) : undefined;
  if (value !== undefined) return { ok: true, value };
  return { ok: false, message: `"${name}" must be ${field.unit.hint}` };
}

/** A value of the document, as it is written. */
export function printField(field: Field, value: unknown): unknown {
  return field.unit && typeof value === "number" ? field.unit.print(value) : value;
}
