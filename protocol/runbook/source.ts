/** The text as every later stage wants it: LF only, no byte order mark, within its limits. */
import { SOURCE_MAX_BYTES } from "../limits.ts";
import type { IssueList, Position } from "./issues.ts";

const START: Position = { line: 1, column: 1 };

/**
 * Normalises line ends (CRLF and CR become LF, so that a script saved on
 * Windows runs) and refuses what can be no Markdown. Lines and columns stay
 * what an editor shows.
 */
export function cleanSource(source: string, issues: IssueList): string | undefined {
  const bytes = new TextEncoder().encode(source).length;
  if (bytes > SOURCE_MAX_BYTES) {
    const limit = SOURCE_MAX_BYTES / 1024;
    issues.add(START, `the source has ${Math.ceil(bytes / 1024)} KiB; at most ${limit} KiB, so split it`);
    return undefined;
  }
  const text = source.replace(/^\uFEFF/, "").replaceAll(/\r\n?/g, "\n");
  const nul = text.indexOf("\0");
  if (nul >= 0) {
    const before = text.slice(0, nul);
    const column = nul - before.lastIndexOf("\n");
    issues.add(
      { line: before.split("\n").length, column },
      "a NUL character stands here; remove it, and check that the file is text in UTF-8",
    );
    return undefined;
  }
  return text;
}
