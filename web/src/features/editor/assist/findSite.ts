/** Finds what stands at an offset of a runbook's text. Pure. */
import { ATTRIBUTES, BLOCK_KINDS } from "#protocol/runbook/fields.ts";
import { FRONT_MATTER_FIELDS } from "#protocol/runbook/groups.ts";
import { interpreterOf, languageOf } from "#protocol/runbook/languages.ts";
import type { FenceLines } from "#protocol/runbook/structure.ts";
import { fenceAt, isYamlFence, type Page, placeOf, readPage } from "./page.ts";
import type { Site } from "./site.ts";
import { type Shape, yamlPlace } from "./yamlSite.ts";

const FRONT_MATTER: Shape = { is: "set", fields: () => FRONT_MATTER_FIELDS };
const BLOCK: Shape = { is: "block", kinds: BLOCK_KINDS };

/** Undefined where nothing of the format stands or may stand: in prose, in scripts, in other code. */
export function findSite(source: string, offset: number): Site | undefined {
  const page = readPage(source);
  const { line, column } = placeOf(page, offset);
  const { start, end } = page.frontMatter;
  const lineStart = offset - column;
  if (line >= start && line < end) {
    return yamlSite(page.lines.slice(start, end), line - start, column, FRONT_MATTER, lineStart, "");
  }
  const fence = fenceAt(page, line);
  if (!fence) return undefined;
  const text = page.lines[line] ?? "";
  if (line === fence.start) return infoSite(page, fence, text, column, lineStart);
  const inside = line - fence.start - 1;
  const held = fence.held[inside];
  if (!isYamlFence(fence) || held === undefined) return undefined;
  const width = text.length - held.length;
  if (column < width) return undefined;
  return yamlSite(fence.held, inside, column - width, BLOCK, lineStart + width, text.slice(0, width));
}

function yamlSite(
  lines: readonly string[],
  line: number,
  column: number,
  root: Shape,
  /** The offset of the line's first column. */
  start: number,
  margin: string,
): Site | undefined {
  const place = yamlPlace(lines, line, column, root);
  if (!place) return undefined;
  const { part, word, fields, kinds, written, isFlow, hasValue } = place;
  const stretch = { from: start + place.from, to: start + place.to };
  if (part === "value") {
    if (kinds && word === "kind") return { is: "kind", ...stretch, kinds };
    const field = fields.find((each) => each.word === word);
    return field && { is: "value", ...stretch, field };
  }
  const before = (lines[line] ?? "").slice(0, place.from).replace(/[^ ]/g, " ");
  const style = isFlow ? "flow" : "yaml";
  const site = {
    fields,
    ...(kinds && { kinds }),
    written,
    style,
    margin: margin + before,
    hasValue,
  } as const;
  return { is: "word", ...stretch, ...site };
}

function infoSite(
  page: Page,
  fence: FenceLines,
  text: string,
  column: number,
  start: number,
): Site | undefined {
  const from = fence.column + fence.marks;
  if (column < from) return undefined;
  const language = languageOf(text.slice(from));
  if (column <= from + language.length) {
    const margin = text.slice(0, fence.column).replace(/[^ >]/g, " ");
    const to = from + language.length;
    return { is: "language", from: start + from, to: start + to, isOpen: isOpen(fence), margin };
  }
  if (!interpreterOf(fence.info.trim())) return undefined;
  return attributeSite(page.lines[fence.start] ?? "", column, start);
}

/** Not closed, or by the end of another one: that one begins inside of it. */
function isOpen({ isClosed, held }: FenceLines): boolean {
  return !isClosed || held.some((line) => /^\s*(?:`{3,}|~{3,})\S/.test(line));
}

function attributeSite(text: string, column: number, start: number): Site | undefined {
  // Quoted texts have no words of the format in them; dots keep all else in its column.
  const bare = text.replace(/"(?:[^"\\]|\\.)*"/g, (quoted) => "·".repeat(quoted.length));
  const open = bare.indexOf("{");
  const before = bare.slice(open, column);
  if (open < 0 || open >= column || /["}]/.test(before)) return undefined;
  const fields = ATTRIBUTES;
  const value = /[{\s]([A-Za-z][\w-]*)=([^\s{}]*)$/.exec(before);
  if (value) {
    const field = fields.find(({ word }) => word === value[1]);
    const from = column - (value[2]?.length ?? 0);
    const to = column + (/^[^\s{}]*/.exec(bare.slice(column))?.[0].length ?? 0);
    return field && { is: "value", from: start + from, to: start + to, field };
  }
  const word = /[{\s]([A-Za-z][\w-]*)?$/.exec(before);
  if (!word) return undefined;
  const from = column - (word[1]?.length ?? 0);
  const to = column + (/^[\w-]*/.exec(bare.slice(column))?.[0].length ?? 0);
  const others = `${bare.slice(open + 1, from)} ${bare.slice(to)}`;
  const written = new Set(
    [...others.matchAll(/(?<=^|\s)([A-Za-z][\w-]*)(?==|\s|\}|$)/g)].map(([all]) => all),
  );
  const hasValue = bare[to] === "=";
  return {
    is: "word",
    from: start + from,
    to: start + to,
    fields,
    written,
    style: "attribute",
    margin: "",
    hasValue,
  };
}
