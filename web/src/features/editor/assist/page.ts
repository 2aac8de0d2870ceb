/** What a runbook's text is made of, by its lines: the front matter and the fences. Pure. */
import { frontMatterEnd } from "#protocol/runbook/frontMatter.ts";
import { BLOCK_LANGUAGE, languageOf } from "#protocol/runbook/languages.ts";
import { type FenceLines, findFences } from "#protocol/runbook/structure.ts";

export interface Page {
  lines: readonly string[];
  /** Lines of the front matter without those around it; empty when there is none. */
  frontMatter: { start: number; end: number };
  /** By lines of the page, from 0. */
  fences: readonly FenceLines[];
}

export function readPage(source: string): Page {
  const lines = source.split("\n");
  const frontMatter = frontMatterOf(lines);
  const first = frontMatter.end === 0 ? 0 : frontMatter.end + 1;
  const fences = findFences(lines.slice(first).join("\n")).map((fence) => ({
    ...fence,
    start: fence.start + first,
    // What is not closed goes on, over blank lines at the end too.
    end: fence.isClosed ? fence.end + first : lines.length,
  }));
  return { lines, frontMatter, fences };
}

/** One that is being written, and not closed yet, goes to the next blank line. */
function frontMatterOf(lines: readonly string[]): Page["frontMatter"] {
  const end = frontMatterEnd(lines);
  if (end === undefined) return { start: 0, end: 0 };
  if (end > 0) return { start: 1, end };
  const blank = lines.findIndex((line, index) => index > 1 && line.trim() === "");
  return { start: 1, end: blank < 0 ? lines.length : blank };
}

/** The fence that a line belongs to, its first and last line among them. */
export function fenceAt({ fences }: Page, line: number): FenceLines | undefined {
  return fences.find(({ start, end }) => start <= line && line < end);
}

export function isYamlFence({ info }: FenceLines): boolean {
  return languageOf(info.trim()) === BLOCK_LANGUAGE;
}

/** Line and column, from 0, of an offset. */
export function placeOf({ lines }: Page, offset: number): { line: number; column: number } {
  let start = 0;
  for (const [line, text] of lines.entries()) {
    if (offset <= start + text.length) return { line, column: offset - start };
    start += text.length + 1;
  }
  const last = lines.length - 1;
  return { line: last, column: lines[last]?.length ?? 0 };
}

/** The offset at which a line begins; the end of the text for the line after the last. */
export function offsetOf({ lines }: Page, line: number): number {
  const before = lines.slice(0, line).reduce((sum, text) => sum + text.length + 1, 0);
  return line < lines.length ? before : before - 1;
}
