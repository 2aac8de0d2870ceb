/** Where a block stands in the page, and where a new one would. Pure. */

import { readWrittenBlock, type WrittenBlock } from "#protocol/runbook/blockSource.ts";
import { isBlockInfo } from "#protocol/runbook/languages.ts";
import { fenceAt, offsetOf, placeOf, readPage } from "../assist/page.ts";

/** A stretch of the page that a block will take. */
export interface Slot {
  from: number;
  to: number;
  /** What stands around the block's text. */
  before: string;
  after: string;
  /** What stands before each of its lines but the first. */
  margin: string;
}

export type FoundBlock =
  | { ok: true; slot: Slot; words: WrittenBlock; isYaml: boolean }
  /** Why there is none that a form could show, as a sentence. */
  | { ok: false; problem: string };

export type FoundSlot = { ok: true; slot: Slot } | { ok: false; problem: string };

/** The block at an offset of the page. */
export function blockAt(source: string, offset: number): FoundBlock {
  const page = readPage(source);
  const fence = fenceAt(page, placeOf(page, offset).line);
  if (!fence || !isBlockInfo(fence.info.trim())) {
    return { ok: false, problem: "Put the cursor into a block first. Text is edited right where it stands." };
  }
  if (!fence.isClosed) return { ok: false, problem: UNCLOSED };
  const opening = page.lines[fence.start] ?? "";
  const margin = opening.slice(0, fence.column).replace(/[^>\s]/g, " ");
  const marks = opening.slice(fence.column, fence.column + fence.marks);
  const read = readWrittenBlock([opening.slice(fence.column), ...fence.held, marks].join("\n"));
  if (!read.ok) return read;
  const from = offsetOf(page, fence.start) + fence.column;
  const to = offsetOf(page, fence.end - 1) + (page.lines[fence.end - 1]?.length ?? 0);
  const { words, isYaml } = read;
  return { ok: true, words, isYaml, slot: { from, to, before: "", after: "", margin } };
}

const UNCLOSED = "This code block is never closed. End it first.";

/** Where a new block goes: behind what the cursor is in, with a blank line around. */
export function slotAt(source: string, offset: number): FoundSlot {
  const page = readPage(source);
  const { lines, frontMatter } = page;
  let { line } = placeOf(page, offset);
  const fence = fenceAt(page, line);
  if (fence && !fence.isClosed) return { ok: false, problem: UNCLOSED };
  const startsFence = (at: number) => page.fences.some(({ start }) => start === at);
  if (fence) line = fence.end - 1;
  else if (frontMatter.end > 0 && line <= frontMatter.end) line = Math.min(frontMatter.end, lines.length - 1);
  else while (lines[line]?.trim() !== "" && line + 1 < lines.length && !startsFence(line + 1)) line += 1;
  const isBlank = (at: number) => (lines[at] ?? "").trim() === "";
  // Of several blank lines the first, so that what is above stays next to it.
  while (line > 0 && isBlank(line) && isBlank(line - 1)) line -= 1;
  const at = offsetOf(page, line) + (lines[line]?.length ?? 0);
  const before = !isBlank(line) ? "\n\n" : line === 0 ? "" : "\n";
  const after = line + 1 >= lines.length || !isBlank(line + 1) ? "\n" : "";
  return { ok: true, slot: { from: at, to: at, before, after, margin: "" } };
}

/** A block's text as it stands in its slot. */
export function inSlot({ before, after, margin }: Slot, text: string): string {
  const [first = "", ...others] = text.split("\n");
  const lines = others.map((line) => (line === "" ? margin.trimEnd() : margin + line));
  return before + [first, ...lines].join("\n") + after;
}
