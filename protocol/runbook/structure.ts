/**
 * Where prose ends and code begins. A Markdown parser finds the blocks (never
 * the inline markup, which nothing here needs); prose is then cut out of the
 * source by lines, so that it stays what was written.
 *
 * A fence counts wherever it stands, inside a list item or a quote too: pages
 * that number their steps run as they are.
 */
import MarkdownIt, { type Token } from "markdown-it";
import type { IssueList, Position } from "./issues.ts";
import { isBlockInfo } from "./languages.ts";
import { cleanProse, dedent } from "./prose.ts";

/** Lists and quotes inside each other beyond this are refused: the parser stops looking there. */
const NESTING_MAX = 100;

/** A heading longer than this gives no name and no title. */
const HEADING_MAX = 1_000;

export interface Heading {
  /** Without its markup. */
  text: string;
}

export interface Fence {
  type: "fence";
  /** What follows the opening backticks, as written. */
  info: string;
  content: string;
  /** The last heading above it: the same object for all that stand below that one. */
  heading?: Heading;
  at: Position;
  infoAt: Position;
  /** The place in the source of a place in `content`. */
  place(line: number, column: number): Position;
}

/** `<!-- name=intro -->`: the prose below is a block of its own, with this name. */
export interface Marker {
  type: "marker";
  name: string;
  at: Position;
}

export type Piece =
  | Fence
  | Marker
  | { type: "prose"; text: string; at: Position }
  /** `<!-- finally -->`: the blocks below are those that run at the end. */
  | { type: "finally"; at: Position };

export interface Structure {
  pieces: Piece[];
  /** The text of the first heading. */
  title?: string;
}

const MARKER = /^<!--\s*name=(\S+)\s*-->\s*$/;
const FINALLY = /^<!--\s*finally\s*-->\s*$/;

const blockParser = new MarkdownIt("commonmark", { html: true, maxNesting: NESTING_MAX });
blockParser.core.ruler.enableOnly(["block"]);
blockParser.block.ruler.disable(["reference"]);
const inlineParser = new MarkdownIt("commonmark");

/**
 * Cuts a Markdown text into pieces. `firstLine` is the line of the source it
 * begins at. With `takeTitle` its first heading is its title and no part of
 * its prose.
 */
export function splitBody(
  body: string,
  options: { firstLine: number; takeTitle: boolean },
  issues: IssueList,
): Structure {
  const tokens = blockParser.parse(body, {});
  const cutter = new Cutter(body.split("\n"), options.firstLine, issues);
  let title: string | undefined;
  for (const [index, token] of tokens.entries()) {
    if (token.level >= NESTING_MAX - 2) cutter.tooDeep(token);
    if (token.type === "fence") cutter.fence(token);
    if (token.type === "html_block" && token.level === 0) cutter.html(token);
    if (token.type !== "heading_open") continue;
    const text = headingText(tokens[index + 1]?.content ?? "");
    const isTitle = options.takeTitle && title === undefined && text !== undefined && token.level === 0;
    title ??= text;
    if (isTitle) cutter.leaveOut(token);
    // Above a title that opens the page is nothing; one in its midst is a heading too.
    if (!isTitle || index > 0) cutter.heading = text === undefined ? undefined : { text };
  }
  cutter.proseUntil(Number.POSITIVE_INFINITY);
  return { pieces: cutter.pieces, title };
}

/** A fence by its lines, counted from 0 in the text that was searched. */
export interface FenceLines {
  /** What follows the opening backticks, as written. */
  info: string;
  /** The column of the opening backticks, and how many they are. */
  column: number;
  marks: number;
  /** The opening line, and the line after the last. */
  start: number;
  end: number;
  isClosed: boolean;
  /** Its lines without the margin of the list or quote that it stands in. */
  held: string[];
}

/** All fences of a Markdown text, those that are no blocks too. */
export function findFences(body: string): FenceLines[] {
  const lines = body.split("\n");
  const fences = blockParser.parse(body, {}).filter(({ type }) => type === "fence");
  return fences.map((token) => fenceLines(token, lines));
}

function fenceLines(token: Token, lines: readonly string[]): FenceLines {
  const [start, end] = token.map ?? [0, 0];
  const opening = lines[start] ?? "";
  const column = opening.indexOf(token.markup);
  const held = token.content === "" ? [] : token.content.replace(/\n$/, "").split("\n");
  return {
    info: opening.slice(column + token.markup.length),
    column,
    marks: token.markup.length,
    start,
    end,
    isClosed: end - start - 1 !== held.length,
    held,
  };
}

/** Walks the blocks in order; what lies between fences becomes prose. */
class Cutter {
  readonly pieces: Piece[] = [];
  heading: Heading | undefined;
  readonly #lines: string[];
  readonly #firstLine: number;
  readonly #issues: IssueList;
  #next = 0;
  /** Width of the list item around the last fence; taken off the prose that goes on in it. */
  #indent = 0;
  #reportedDepth = false;

  constructor(lines: string[], firstLine: number, issues: IssueList) {
    this.#lines = lines;
    this.#firstLine = firstLine;
    this.#issues = issues;
  }

  fence(token: Token): void {
    const { info, column, start, end, isClosed, held } = fenceLines(token, this.#lines);
    const opening = this.#line(start);
    const at = this.#position(start, column);
    if (!isClosed) {
      this.#issues.add(at, `this code block is never closed: end it with a line of ${token.markup}`);
    }
    if (!isBlockInfo(info.trim())) return;
    this.proseUntil(start);
    this.pieces.push({
      type: "fence",
      info: info.trim(),
      content: held.join("\n"),
      heading: this.heading,
      at,
      infoAt: this.#position(start, opening.length - info.trimStart().length),
      place: (line, position) => {
        const prefix = this.#line(start + line).length - (held[line - 1]?.length ?? 0);
        return this.#position(start + line, Math.max(0, prefix) + position - 1);
      },
    });
    this.#next = end;
    this.#indent = token.level > 0 && !opening.slice(0, column).includes(">") ? column : 0;
  }

  html(token: Token): void {
    const name = MARKER.exec(token.content)?.[1];
    if (name === undefined && !FINALLY.test(token.content)) return;
    const [start, end] = token.map ?? [0, 0];
    const at = this.#position(start, 0);
    this.proseUntil(start);
    this.pieces.push(name === undefined ? { type: "finally", at } : { type: "marker", name, at });
    this.#next = end;
    this.#indent = 0;
  }

  /** Takes its lines out of the prose. */
  leaveOut(token: Token): void {
    const [start, end] = token.map ?? [0, 0];
    this.#lines.fill("", start, end);
  }

  tooDeep(token: Token): void {
    if (this.#reportedDepth) return;
    this.#reportedDepth = true;
    const at = this.#position(token.map?.[0] ?? 0, 0);
    this.#issues.add(at, "lists and quotes are nested too deeply here; use fewer levels");
  }

  proseUntil(end: number): void {
    const lines = dedent(this.#lines.slice(this.#next, end), this.#indent);
    const text = cleanProse(lines.join("\n"));
    if (text === "") return;
    const blank = lines.findIndex((line) => line.trim() !== "");
    this.pieces.push({ type: "prose", text, at: this.#position(this.#next + Math.max(0, blank), 0) });
  }

  #line(index: number): string {
    return this.#lines[index] ?? "";
  }

  #position(line: number, column: number): Position {
    return { line: this.#firstLine + line, column: column + 1 };
  }
}

/** A heading without its markup: what a reader sees of it, on one line. */
function headingText(markup: string): string | undefined {
  if (markup.length > HEADING_MAX) return undefined;
  const parts = inlineParser.parseInline(markup, {})[0]?.children ?? [];
  const text = parts.map((part) => (part.type === "softbreak" ? " " : part.content)).join("");
  return text.replaceAll(/\s+/g, " ").trim() || undefined;
}
