/** The tables of fields in the manual, made from the one table of words. */
import { ATTRIBUTES, BLOCK_KINDS, COMMON_FIELDS, KIND_FIELDS } from "./fields.ts";
import { type Field, type FieldType, hintOf } from "./fieldTypes.ts";
import {
  APPROVER_FIELDS,
  BLOCK_TARGET_FIELDS,
  FRONT_MATTER_FIELDS,
  LOCK_FIELDS,
  RETRY_FIELDS,
} from "./groups.ts";

const TABLES: ReadonlyMap<string, readonly Field[]> = new Map<string, readonly Field[]>([
  ["front matter", FRONT_MATTER_FIELDS],
  ["attributes", ATTRIBUTES],
  ["every block", COMMON_FIELDS],
  ...BLOCK_KINDS.map((kind): [string, readonly Field[]] => [kind, KIND_FIELDS[kind]]),
  ["target", BLOCK_TARGET_FIELDS],
  ["retry", RETRY_FIELDS],
  ["lock", LOCK_FIELDS],
  ["approvers", APPROVER_FIELDS],
]);

const MARKED = /(<!-- fields: ([a-z ]+) -->\n)[\s\S]*?(<!-- \/fields -->)/g;

/** A page with each of its marked tables as it should be. @throws Error for a mark nobody knows */
export function withFieldTables(page: string): string {
  return page.replaceAll(MARKED, (_all, start: string, name: string, end: string) => {
    const fields = TABLES.get(name);
    if (!fields) throw new Error(`there is no table "${name}"; there are ${[...TABLES.keys()].join(", ")}`);
    return `${start}${tableOf(fields)}\n${end}`;
  });
}

function tableOf(fields: readonly Field[]): string {
  const rows = fields.map(({ word, type, doc, isRequired }) => {
    const meaning = isRequired ? `**needed**: ${doc}` : doc;
    return `| \`${word}\` | ${valueDoc(type)} | ${meaning} |`;
  });
  return ["| field | value | meaning |", "|---|---|---|", ...rows].join("\n");
}

function valueDoc(type: FieldType): string {
  if (type.is === "choice") return type.options.map((option) => `\`${option}\``).join(", ");
  return hintOf(type).replaceAll("|", "\\|");
}
