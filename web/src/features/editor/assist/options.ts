/** What may be written at a site, from the tables of the format and nothing else. Pure. */
import { KIND_DOCS } from "#protocol/runbook/fields.ts";
import { type Field, type FieldType, hintOf } from "#protocol/runbook/fieldTypes.ts";
import { BLOCK_LANGUAGE, COMMAND_LANGUAGES, interpreterOf } from "#protocol/runbook/languages.ts";
import { sentence } from "../../../components/format.ts";
import type { Site } from "./site.ts";

export interface Option {
  label: string;
  /** What it means, in Markdown. */
  doc: string;
  isRequired: boolean;
  /** Replaces the site's stretch; the cursor goes to `cursor` in it. */
  text: string;
  cursor: number;
  /** What comes next can be chosen too. */
  goesOn: boolean;
}

export const KIND_WORD = "kind";
const KIND_DOC = "Which kind of block it is. That decides what else it may have.";
const YAML_DOC = "A block of any kind, written as YAML.";

/** In the order in which they are offered: what is needed first. */
export function optionsAt(site: Site): Option[] {
  switch (site.is) {
    case "language":
      return [BLOCK_LANGUAGE, ...COMMAND_LANGUAGES].map((language) => languageOption(language, site));
    case "word":
      return wordOptions(site);
    case "kind":
      return site.kinds.map((kind) => option(kind, sentence(KIND_DOCS[kind]), kind));
    case "value":
      return valuesOf(site.field.type).map((value) => option(value, fieldDoc(site.field), value));
    default:
      return site satisfies never;
  }
}

/** What a word at this site means; undefined when it is none of the format. */
export function docOf(site: Site, word: string): { title: string; doc: string } | undefined {
  switch (site.is) {
    case "language": {
      const isKnown = word === BLOCK_LANGUAGE || interpreterOf(word) !== undefined;
      return isKnown ? { title: word, doc: languageDoc(word) } : undefined;
    }
    case "word": {
      if (word === KIND_WORD && site.kinds) return { title: word, doc: KIND_DOC };
      const field = site.fields.find((each) => each.word === word);
      return field && { title: word, doc: fieldDoc(field) };
    }
    case "kind": {
      const kind = site.kinds.find((each) => each === word);
      return kind && { title: kind, doc: sentence(KIND_DOCS[kind]) };
    }
    case "value":
      return { title: site.field.word, doc: fieldDoc(site.field) };
    default:
      return site satisfies never;
  }
}

function languageOption(language: string, { isOpen, margin }: Extract<Site, { is: "language" }>): Option {
  const isYaml = language === BLOCK_LANGUAGE;
  const text = isOpen && isYaml ? `${language}\n${margin}${KIND_WORD}: ` : language;
  const end = isOpen ? `\n${isYaml ? "" : `${margin}\n`}${margin}\`\`\`` : "";
  const cursor = isOpen && !isYaml ? text.length + 1 + margin.length : text.length;
  return { ...option(language, languageDoc(language), text + end), cursor, goesOn: isOpen && isYaml };
}

function languageDoc(language: string): string {
  if (language === BLOCK_LANGUAGE) return YAML_DOC;
  return sentence(`${KIND_DOCS.command}, with \`${interpreterOf(language)}\``);
}

function wordOptions(site: Extract<Site, { is: "word" }>): Option[] {
  // What depends on another field that is not written yet may be there in several forms.
  const once = site.fields.filter(
    ({ word }, index, all) => all.findIndex((each) => each.word === word) === index,
  );
  const open = once.filter(({ word }) => !site.written.has(word));
  const [needed, others] = [
    open.filter((field) => field.isRequired),
    open.filter((field) => !field.isRequired),
  ];
  const options = [...needed, ...others].map((field) => fieldOption(field, site));
  if (!site.kinds || site.written.has(KIND_WORD)) return options;
  const text = site.hasValue ? KIND_WORD : `${KIND_WORD}: `;
  return [{ ...option(KIND_WORD, KIND_DOC, text), isRequired: true, goesOn: !site.hasValue }, ...options];
}

function fieldOption(field: Field, site: Extract<Site, { is: "word" }>): Option {
  const { before, behind } = site.hasValue ? { before: "", behind: "" } : beginning(field.type, site);
  const made = option(field.word, fieldDoc(field), `${field.word}${before}${behind}`);
  const goesOn = !site.hasValue && hasChoices(field.type, site.style);
  return { ...made, isRequired: field.isRequired ?? false, cursor: made.cursor - behind.length, goesOn };
}

function option(label: string, doc: string, text: string): Option {
  return { label, doc, isRequired: false, text, cursor: text.length, goesOn: false };
}

/** The meaning, and how it is written. */
function fieldDoc({ doc, type, isRequired }: Field): string {
  const how = type.is === "text" ? "" : ` Written as ${hintOf(type)}.`;
  return `${isRequired ? "**Needed.** " : ""}${sentence(doc)}${how}`;
}

/** What a word begins with, before and behind the cursor. */
function beginning(
  type: FieldType,
  { style, margin }: Pick<Extract<Site, { is: "word" }>, "style" | "margin">,
): { before: string; behind: string } {
  if (style === "attribute") return { before: "=", behind: "" };
  const inside = `\n${margin}  `;
  const begin = (before: string, behind = "") => ({ before, behind });
  switch (type.is) {
    case "text":
    case "number":
    case "boolean":
    case "question":
    case "duration":
    case "size":
    case "expression":
    case "value":
    case "body":
    case "choice":
      return begin(": ");
    case "names":
    case "numbers":
      return begin(": [", "]");
    case "lines":
      return begin(style === "flow" ? ": " : `: |${inside}`);
    case "values":
    case "sent":
    case "secrets":
    case "arguments":
    case "texts":
      return style === "flow" ? begin(": { ", " }") : begin(`:${inside}`);
    case "group":
      if (style === "flow") return type.isList ? begin(": [", "]") : begin(": { ", " }");
      return begin(`:${inside}${type.isList ? "- " : ""}`);
    case "block":
      return begin(style === "flow" ? ": " : `:${inside}kind: `);
    case "blocks":
      return begin(style === "flow" ? ": " : `:${inside}- kind: `);
    case "branches":
      return begin(style === "flow" ? ": " : `:${inside}- - kind: `);
    default:
      return type satisfies never;
  }
}

function hasChoices(type: FieldType, style: "yaml" | "flow" | "attribute"): boolean {
  if (valuesOf(type).length > 0) return true;
  return style === "yaml" && ["group", "block", "blocks", "branches"].includes(type.is);
}

function valuesOf(type: FieldType): readonly string[] {
  if (type.is === "choice") return type.options;
  if (type.is === "boolean") return ["true", "false"];
  return type.is === "question" ? ["true"] : [];
}
