/** What was written, as YAML or in the braces of a fence, becomes the fields of the document. */
import type { BlockKind } from "../blocks/index.ts";
import { variableOf } from "../secrets.ts";
import { questionValue } from "./attributeValues.ts";
import { BLOCK_KINDS, fieldsOf, isBlockKind } from "./fields.ts";
import { type Field, type FieldType, hintOf, unitOf } from "./fieldTypes.ts";
import type { IssueList } from "./issues.ts";
import { type Origin, toldAt } from "./origin.ts";
import { unknownField } from "./sentences.ts";
import type { Heading } from "./structure.ts";
import type { Yaml } from "./yaml.ts";

/** A block as far as it could be read: still unchecked, but it knows where it was written. */
export interface Draft {
  /** With `id` only when it was given a name. */
  block: Record<string, unknown>;
  origin: Origin;
  /** The heading above it. */
  heading?: Heading;
  /** The blocks inside it, in order, and the one that undoes it. */
  children: readonly Draft[];
  undo?: Draft;
}

interface Part extends Yaml {
  drafts: readonly Draft[];
}

/** A block that could not be read, which has been told. */
export function brokenDraft(origin: Origin): Draft {
  return { block: {}, origin: toldAt(origin.at), children: [] };
}

/** @param kinds the kinds of blocks that are possible there */
export function readBlock(
  written: Yaml,
  issues: IssueList,
  kinds: readonly BlockKind[] = BLOCK_KINDS,
): Draft {
  const { value, origin } = written;
  if (origin.isTold) return brokenDraft(origin);
  if (!isRecord(value)) {
    const names = kinds.join(", ");
    issues.add(origin.at, `a block is a set of \`key: value\` lines that begins with its kind: ${names}`);
    return brokenDraft(origin);
  }
  const { kind } = value;
  const known = kinds.find((each) => each === kind);
  if (!known || !isBlockKind(kind)) {
    const at = origin.parts.get("kind")?.at ?? origin.at;
    issues.add(at, kindProblem(kind, kinds));
    return brokenDraft(origin);
  }
  const fields = fieldsOf(kind);
  const set = readSet(written, fields, issues, ["kind"]);
  const defaults = fields.flatMap(({ key, otherwise }) =>
    otherwise === undefined ? [] : [[key, otherwise]],
  );
  return {
    block: { kind, ...Object.fromEntries(defaults), ...set.value },
    origin: { ...set.origin, isBlock: true },
    children: set.children,
    undo: set.undo,
  };
}

function kindProblem(kind: unknown, kinds: readonly BlockKind[]): string {
  const names = kinds.join(", ");
  if (kind === undefined || kind === null) return `this block has no kind; the kinds are ${names}`;
  if (isBlockKind(kind)) return `a block of the kind ${kind} cannot stand here; possible are ${names}`;
  return `unknown block kind "${String(kind).slice(0, 60)}"; the kinds are ${names}`;
}

interface FieldSet {
  value: Record<string, unknown>;
  origin: Origin;
  children: readonly Draft[];
  undo?: Draft;
}

/** Reads a set of fields by their words. @param others words that are read elsewhere */
export function readSet(
  { value, origin }: Yaml,
  fields: readonly Field[],
  issues: IssueList,
  others: readonly string[] = [],
): FieldSet {
  const result: Record<string, unknown> = {};
  const parts = new Map<string, Origin>();
  const children: Draft[] = [];
  let undo: Draft | undefined;
  for (const [word, each] of Object.entries(isRecord(value) ? value : {})) {
    const field = fields.find((known) => known.word === word);
    const at = origin.parts.get(word) ?? origin;
    // A key without a value says nothing, as if it were not there.
    if (each === null || others.includes(word)) continue;
    if (!field) {
      issues.add(at.at, unknownField(word, [...others, ...fields.map((known) => known.word)]));
      continue;
    }
    const part = readField(field, { value: each, origin: at }, issues);
    result[field.key] = part.value;
    parts.set(field.key, part.origin);
    if (field.type.is === "block") [undo] = part.drafts;
    else children.push(...part.drafts);
  }
  return { value: result, origin: { at: origin.at, parts, fields }, children, undo };
}

/** One value in the form of the document; what it may be is left to the schema. */
export function readField(field: Field, written: Yaml, issues: IssueList): Part {
  const part = written.origin.isTold
    ? { ...written, drafts: [] }
    : readType(field, field.type, written, issues);
  return { ...part, origin: { ...part.origin, field } };
}

function readType(field: Field, type: FieldType, written: Yaml, issues: IssueList): Part {
  const unit = unitOf(type);
  if (unit) {
    const value = typeof written.value === "string" ? unit.parse(written.value) : undefined;
    if (value !== undefined) return { value, origin: written.origin, drafts: [] };
    issues.add(written.origin.at, `"${field.word}" must be ${hintOf(type)}`);
    return { value: written.value, origin: toldAt(written.origin.at), drafts: [] };
  }
  switch (type.is) {
    case "question":
      return { ...written, value: questionValue(written.value), drafts: [] };
    case "secrets":
      return { ...written, value: secretUses(written.value), drafts: [] };
    case "group":
      return type.isList
        ? readList(written, (item) => readGroup(type, item, issues))
        : readGroup(type, written, issues);
    case "block":
      return partOf(readBlock(written, issues, type.kinds));
    case "blocks":
      return readList(written, (item) => partOf(readBlock(item, issues)));
    case "branches":
      return readList(written, (branch) => readList(branch, (item) => partOf(readBlock(item, issues))));
    default:
      return { ...written, drafts: [] };
  }
}

/** Secrets that are only named are in variables that are called like them. */
function secretUses(written: unknown): unknown {
  const names = typeof written === "string" ? [written] : written;
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) return written;
  return Object.fromEntries(names.map((name) => [variableOf(name), name]));
}

function readGroup(type: Extract<FieldType, { is: "group" }>, written: Yaml, issues: IssueList): Part {
  const { value, origin } = written;
  const fields = type.fields(value);
  if (isRecord(value)) return { ...readSet(written, fields, issues), drafts: [] };
  if (type.short && typeof value === type.short.type) {
    const { key } = type.short;
    return { value: { [key]: value }, origin: { at: origin.at, parts: new Map(), fields }, drafts: [] };
  }
  return { ...written, drafts: [] };
}

/** Each entry of a list; what is no list stays as it is, for the schema to refuse. */
function readList(written: Yaml, read: (item: Yaml) => Part): Part {
  const { value, origin } = written;
  if (!Array.isArray(value)) return { ...written, drafts: [] };
  const items = value.map((item: unknown, index) =>
    read({ value: item, origin: origin.parts.get(String(index)) ?? origin }),
  );
  return {
    value: items.map((item) => item.value),
    origin: { at: origin.at, parts: new Map(items.map((item, index) => [String(index), item.origin])) },
    drafts: items.flatMap((item) => item.drafts),
  };
}

function partOf(draft: Draft): Part {
  return { value: draft.block, origin: draft.origin, drafts: [draft] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
