/** Finds text in what is here of a log, a slice at a time so that typing stays smooth. */
import type { LogLine } from "./logLine.ts";
import type { LogStore } from "./logStore.ts";

const SLICE = 4_000;
/** More hits than anybody steps through. */
const HITS_MAX = 20_000;

export interface SearchResult {
  /** Line numbers, in order. */
  lines: number[];
  /** There were more than are listed. */
  more: boolean;
}

export function plainText(line: LogLine): string {
  return line.spans.map((span) => span.text).join("");
}

/** Lower and upper case are the same. Rejects when aborted. */
export async function searchLog(store: LogStore, query: string, signal: AbortSignal): Promise<SearchResult> {
  const wanted = query.toLowerCase();
  const lines: number[] = [];
  for (let number = 0; number < store.lineCount; number++) {
    if (number % SLICE === SLICE - 1) await new Promise((resolve) => setTimeout(resolve));
    signal.throwIfAborted();
    const line = store.line(number);
    if (!line || !plainText(line).toLowerCase().includes(wanted)) continue;
    if (lines.length === HITS_MAX) return { lines, more: true };
    lines.push(number);
  }
  return { lines, more: false };
}
